// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/local_endpoint.h"

#include <string>
#include <vector>

namespace vtepd {

// What an instance remembers on disk, in <state>/<instance>/: endpoints.json with the endpoints of
// this host, and pending.json with those that are gone here and not yet withdrawn from the store.
struct SavedState {
  std::vector<LocalEndpoint> endpoints;
  std::vector<FloatingAddress> floating;  // that these endpoints hold
  std::vector<std::string> networks;      // whose endpoints were followed in the store
  std::string idle_device;                // name of the idle vxlan device, if we made one
  // Which store this instance was in step with: from then on a folder without one is a store that
  // is not mounted, not a place to make a new one.
  std::string store;
};

class StateFile {
 public:
  // `folder` is made when something is first saved.
  explicit StateFile(std::string folder);

  // No file: nothing saved. Invalid names the file; it is left as it is for a person to look at.
  [[nodiscard]] Result<SavedState> load() const;
  [[nodiscard]] Result<void> save(const SavedState& state) const;
  [[nodiscard]] Result<std::vector<Endpoint>> load_pending() const;
  [[nodiscard]] Result<void> save_pending(const std::vector<Endpoint>& pending) const;
  // Removes both files and the folder, if nothing else is in it.
  void remove_all() const;

  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

}  // namespace vtepd
