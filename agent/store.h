// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "config/config.h"
#include "ports/kv_store.h"
#include "registry/registry_watch.h"

#include <memory>
#include <string>
#include <vector>

namespace vtepd {

// The store that the configuration names. `create`: an embedded one is made if it is missing.
Result<std::unique_ptr<KvStore>> open_store(const Config& config, bool create);

// How messages name it.
[[nodiscard]] std::string store_name(const Config& config);
// How the saved state does, to tell whether this instance has been in step with it.
[[nodiscard]] std::string store_identity(const Config& config);

// What of it is followed.
[[nodiscard]] RegistryWatch::Reach watched_reach(const Config& config);

}  // namespace vtepd
