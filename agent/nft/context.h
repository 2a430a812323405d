// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

struct nft_ctx;

namespace vtepd::nft {

// libnftables, working in one network namespace from whatever thread. Threading: one user at a
// time.
class Context {
 public:
  // For the namespace of the calling thread. Unavailable: this kernel has no nftables.
  static Result<Context> open();
  // For the namespace that `netns` refers to.
  static Result<Context> open_in(int netns);

  // Carries the commands out as one transaction: all or nothing. Errors: `operation`, and what
  // nftables says of the first command that the kernel refused.
  Result<void> run(std::string_view operation, const std::string& commands);
  // What a "list" command shows, as JSON (libnftables-json(5)). NotFound: no such object.
  Result<std::string> list(std::string_view operation, const std::string& command);

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };

  explicit Context(nft_ctx* context) : context_(context) {}

  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace vtepd::nft
