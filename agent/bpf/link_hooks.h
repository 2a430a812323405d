// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/unique_fd.h"
#include "bpf/hooks.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <linux/bpf.h>

namespace vtepd {

// Programs attached by links that are pinned under their attachment's name: a link holds its
// program on the interface as long as its pin, or a descriptor of this process, exists. What kind
// of link it is, is up to the derived class.
class LinkHooks : public Hooks {
 public:
  Result<bool> attach(const Attachment& at, int program) override;
  Result<void> detach(const Attachment& at) override;
  Result<std::uint32_t> attached(const Attachment& at) override;
  Result<void> sweep(const Attachment& underlay) override;

 protected:
  // Our links on the same hook that come right before and right behind `at`; -1 for none.
  struct Neighbours {
    int before = -1;
    int after = -1;
  };

  LinkHooks(std::string links, bpf_link_type type) : folder_(std::move(links)), type_(type) {}

  [[nodiscard]] Neighbours neighbours(const Attachment& at) const;

 private:
  // A new link; if it is not valid, errno tells why.
  [[nodiscard]] virtual UniqueFd create(const Attachment& at, int program) = 0;

  // What else to say of that errno: what it means here, and what to do about it.
  [[nodiscard]] virtual std::string_view advice(int /*error*/) const { return ""; }

  // The link is in `at`'s place. A link's id is unique in the kernel, an interface's number only in
  // its namespace: what counts is what the hook of the interface that we see has.
  [[nodiscard]] virtual bool sits_at(const Attachment& at, const bpf_link_info& info) const = 0;
  // A link that stayed behind when its interface went.
  [[nodiscard]] virtual bool orphaned(const bpf_link_info& info) const = 0;

  [[nodiscard]] std::string pin(const std::string& name) const { return folder_ + "/" + name; }

  [[nodiscard]] std::string attaching(const Attachment& at) const;
  // None if it is a link of another kind.
  [[nodiscard]] std::optional<bpf_link_info> link_info(int fd) const;
  // The link of that name, from an earlier attach() or from its pin; null if there is none.
  Result<UniqueFd*> link(const std::string& name);
  Result<bool> replace(const Attachment& at, int link, std::uint32_t id, int program);
  [[nodiscard]] bool is_pinned(const std::string& name, std::uint32_t link_id) const;
  Result<void> repin(const std::string& name, int link) const;

  std::string folder_;
  bpf_link_type type_;
  // Held open, so that a pin that somebody removes does not take the link along.
  std::map<std::string, UniqueFd> links_;
  std::map<std::string, Attachment> places_;  // of attach()
};

}  // namespace vtepd
