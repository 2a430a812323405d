// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/tc_filters.h"

#include "base/unique_fd.h"
#include "bpf/pins.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

namespace vtepd {

namespace {

std::uint32_t parent_of(Direction direction) {
  return TC_H_MAKE(TC_H_CLSACT,
                   direction == Direction::Ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

bpf_tc_attach_point point_of(Direction direction) {
  return direction == Direction::Ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

// Netlink attributes of `data`; `visit(type, payload)`.
template <typename Visit>
void for_each_attribute(std::span<const std::byte> data, const Visit& visit) {
  while (data.size() >= sizeof(nlattr)) {
    nlattr header{};
    std::memcpy(&header, data.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > data.size()) {
      return;
    }
    visit(header.nla_type & NLA_TYPE_MASK,
          data.subspan(sizeof header, header.nla_len - sizeof header));
    data = data.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), data.size()));
  }
}

std::uint32_t number(std::span<const std::byte> payload) {
  std::uint32_t value = 0;
  std::memcpy(&value, payload.data(), std::min(payload.size(), sizeof value));
  return value;
}

// A dump lists each priority once by itself (without a handle), then its filters.
std::optional<TcFilter> parse_filter(std::span<const std::byte> message) {
  tcmsg head{};
  if (message.size() < sizeof head) {
    return std::nullopt;
  }
  std::memcpy(&head, message.data(), sizeof head);
  TcFilter filter{.priority = TC_H_MAJ(head.tcm_info) >> 16U, .handle = head.tcm_handle};
  for_each_attribute(message.subspan(NLMSG_ALIGN(sizeof head)), [&](int type, auto payload) {
    if (type == TCA_KIND) {
      filter.kind = reinterpret_cast<const char*>(payload.data());
    } else if (type == TCA_OPTIONS) {
      for_each_attribute(payload, [&](int option, auto value) {
        filter.program_id = option == TCA_BPF_ID ? number(value) : filter.program_id;
      });
    }
  });
  if (filter.kind != "bpf") {
    filter.program_id = 0;
  }
  return filter.handle == 0 ? std::nullopt : std::optional(filter);
}

Result<UniqueFd> request_dump(IfIndex ifindex, Direction direction) {
  UniqueFd socket_fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket_fd.valid()) {
    return fail_errno(errno, "open a netlink socket");
  }

  struct {
    nlmsghdr header;
    tcmsg body;
  } request{};

  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETTFILTER;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.tcm_family = AF_UNSPEC;
  request.body.tcm_ifindex = static_cast<int>(ifindex.value);
  request.body.tcm_parent = parent_of(direction);
  if (send(socket_fd.get(), &request, sizeof request, 0) < 0) {
    return fail_errno(errno, "list the filters of " + interface_name(ifindex));
  }
  return socket_fd;
}

// True when the dump is over.
Result<bool> take_messages(std::span<const std::byte> data, std::vector<TcFilter>& filters) {
  while (data.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, data.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > data.size()) {
      break;
    }
    const auto payload = data.subspan(sizeof header, header.nlmsg_len - sizeof header);
    if (header.nlmsg_type == NLMSG_DONE) {
      return true;
    }
    if (header.nlmsg_type == NLMSG_ERROR) {
      const int error = -static_cast<int>(number(payload));
      // No such interface or qdisc: no filters.
      return error == ENODEV || error == EINVAL || error == ENOENT
                 ? Result<bool>(true)
                 : fail_errno(error, "list the filters of a clsact hook");
    }
    if (auto filter = parse_filter(payload)) {
      filters.push_back(std::move(*filter));
    }
    data = data.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), data.size()));
  }
  return false;
}

std::optional<bpf_prog_info> program_info(std::uint32_t id, std::span<__u32> map_ids) {
  const UniqueFd fd(bpf_prog_get_fd_by_id(id));
  bpf_prog_info info{};
  info.nr_map_ids = static_cast<__u32>(map_ids.size());
  info.map_ids = map_ids.empty() ? 0 : reinterpret_cast<std::uintptr_t>(map_ids.data());
  __u32 size = sizeof info;
  if (!fd.valid() || bpf_prog_get_info_by_fd(fd.get(), &info, &size) != 0) {
    return std::nullopt;
  }
  return info;
}

}  // namespace

Result<std::vector<TcFilter>> list_tc_filters(IfIndex ifindex, Direction direction) {
  auto socket_fd = request_dump(ifindex, direction);
  if (!socket_fd) {
    return fail(std::move(socket_fd.error()));
  }
  std::vector<TcFilter> filters;
  std::vector<std::byte> buffer(64U * 1024);
  for (;;) {
    const auto got = recv(socket_fd->get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return fail_errno(errno, "list the filters of " + interface_name(ifindex));
    }
    const auto over =
        take_messages(std::span(buffer).first(static_cast<std::size_t>(got)), filters);
    if (!over) {
      return fail(over.error());
    }
    if (*over) {
      return filters;
    }
  }
}

Result<void> remove_tc_filter(IfIndex ifindex, Direction direction, const TcFilter& filter) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(ifindex.value),
              .attach_point = point_of(direction));
  LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter.handle, .priority = filter.priority);
  const int rc = bpf_tc_detach(&hook, &options);
  if (rc != 0 && rc != -ENOENT && rc != -ENODEV && rc != -EINVAL) {
    return fail_errno(-rc, "remove a filter from " + interface_name(ifindex));
  }
  return {};
}

std::string clsact_marker(IfIndex ifindex, const std::string& links) {
  return links + "/clsact_" + std::to_string(ifindex.value);
}

Result<void> remove_unused_clsact(IfIndex ifindex, const std::string& links) {
  const std::string marker = clsact_marker(ifindex, links);
  if (access(marker.c_str(), F_OK) != 0) {
    return {};
  }
  const auto ingress = list_tc_filters(ifindex, Direction::Ingress);
  const auto egress = list_tc_filters(ifindex, Direction::Egress);
  if (!ingress || !egress || !ingress->empty() || !egress->empty()) {
    return {};
  }
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(ifindex.value));
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int rc = bpf_tc_hook_destroy(&hook);
  if (rc != 0 && rc != -ENOENT && rc != -ENODEV && rc != -EINVAL) {
    return fail_errno(-rc, "remove the clsact qdisc of " + interface_name(ifindex));
  }
  return remove_pin(marker);
}

std::string program_name(std::uint32_t id) {
  const auto info = program_info(id, {});
  return info ? static_cast<const char*>(info->name) : "";
}

std::set<std::uint32_t> program_maps(std::uint32_t id) {
  std::array<__u32, 64> ids{};
  const auto info = program_info(id, ids);
  if (!info) {
    return {};
  }
  const std::size_t known = std::min<std::size_t>(info->nr_map_ids, ids.size());
  return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(known)};
}

std::vector<IfIndex> list_interfaces() {
  std::vector<IfIndex> out;

  struct Free {
    void operator()(struct if_nameindex* list) const { if_freenameindex(list); }
  };
  const std::unique_ptr<struct if_nameindex, Free> list(if_nameindex());
  for (const auto* entry = list.get(); entry != nullptr && entry->if_index != 0; ++entry) {
    out.push_back(IfIndex{entry->if_index});
  }
  return out;
}

}  // namespace vtepd
