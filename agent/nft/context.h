// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

struct nft_ctx;
struct nl_sock;

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
  // A number that every transaction in the namespace, whoever's, makes one larger; it is never 0.
  Result<std::uint32_t> generation();
  // What a "list" command shows, as JSON (libnftables-json(5)). NotFound: no such object.
  Result<std::string> list(std::string_view operation, const std::string& command);

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };

  struct FreeSocket {
    void operator()(nl_sock* socket) const;
  };

  using Netlink = std::unique_ptr<nl_sock, FreeSocket>;

  explicit Context(Netlink netlink) : netlink_(std::move(netlink)) {}

  Netlink netlink_;
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace vtepd::nft
