// SPDX-License-Identifier: GPL-2.0-only
#include "nft/nft_filter.h"

#include "base/in_netns.h"
#include "nft/events.h"
#include "nft/rules.h"

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <utility>

#include <sys/epoll.h>

namespace vtepd {

namespace {

using nft::Change;
using nft::Elements;
using nft::Table;

constexpr const char* kNeeds =
    "; the checks need nftables of Linux 5.10 with CONFIG_NF_TABLES_BRIDGE, CONFIG_NFT_LOG, "
    "CONFIG_NFT_LIMIT and CONFIG_NFT_FIB (on some systems in a package of extra modules)";

Result<Table> open_table(Result<nft::Context> context, nft::Layout layout) {
  if (!context) {
    return fail(std::move(context).error().context(layout.title()));
  }
  Table table(std::move(*context), std::move(layout));
  if (auto opened = table.open(); !opened) {
    const Error& error = opened.error();
    // What nftables says of a part that the kernel lacks is "No such file or directory" and the
    // like.
    return error.kind == ErrorKind::Denied ? fail(error)
                                           : fail(ErrorKind::Unavailable, error.what + kNeeds);
  }
  return table;
}

Result<UniqueFd> join(const nft::LogSocket& one, const nft::LogSocket& other) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (const int fd : {one.fd(), other.fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (!epoll.valid() || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return fail_errno(errno, "watch the NFLOG sockets");
    }
  }
  return epoll;
}

// Nothing where it is so already.
void put_element(Change& change, const Elements& have, const nft::ElementKey& key,
                 const std::string& value) {
  const auto at = have.find(key);
  if (at != have.end() && at->second == value) {
    return;
  }
  if (at != have.end()) {
    change.remove.push_back(key);
  }
  change.put[key] = value;
}

void remove_element(Change& change, const Elements& have, const nft::ElementKey& key) {
  if (have.contains(key)) {
    change.remove.push_back(key);
  }
}

Change replace_port(const Elements& have, const std::string& name, const Elements& want) {
  Change change;
  for (const auto& [key, value] : nft::port_part(have, name)) {
    if (!want.contains(key)) {
      change.remove.push_back(key);
    }
  }
  for (const auto& [key, value] : want) {
    put_element(change, have, key, value);
  }
  return change;
}

std::vector<Change> bridge_changes(const FilterDelta& delta, const Elements& have) {
  std::vector<Change> changes;
  for (const auto& [name, port] : delta.ports_put) {
    changes.push_back(replace_port(have, name, nft::port_elements(name, port)));
  }
  for (const auto& name : delta.ports_remove) {
    changes.push_back(replace_port(have, name, {}));
  }
  for (const auto& vni : delta.vnis_put) {
    const auto [key, value] = nft::wire_element(vni);
    put_element(changes.emplace_back(), have, key, value);
  }
  return changes;
}

// All but that a VNI is given up. Members in front of VNIs: should it be more than one transaction,
// nobody is turned away who may send.
std::vector<Change> underlay_changes(const FilterDelta& delta, const Elements& have) {
  std::vector<Change> changes;
  for (const auto& member : delta.members_put) {
    put_element(changes.emplace_back(), have, nft::member_element(member), "");
  }
  for (const auto& vni : delta.vnis_put) {
    put_element(changes.emplace_back(), have, nft::vni_element(vni), "");
  }
  for (const auto& member : delta.members_remove) {
    remove_element(changes.emplace_back(), have, nft::member_element(member));
  }
  return changes;
}

std::vector<Change> removals(const std::vector<nft::ElementKey>& keys, const Elements& have) {
  std::vector<Change> changes;
  for (const auto& key : keys) {
    remove_element(changes.emplace_back(), have, key);
  }
  return changes;
}

Result<std::vector<ReasonCount>> counts_of(std::initializer_list<Table*> tables) {
  std::vector<ReasonCount> counts;
  for (auto* table : tables) {
    const auto read = table->counts();
    if (!read) {
      return fail(read.error());
    }
    for (const auto& [name, count] : *read) {
      if (const auto counted = nft::counted_by(name)) {
        const Vni vni{counted->of_vni ? count.key : 0};
        counts.push_back({vni, counted->reason, count.packets, count.bytes});
      }
    }
  }
  return counts;
}

Result<void> check_names(const FilterDelta& delta) {
  for (const auto& [name, port] : delta.ports_put) {
    if (!nft::is_port_name(name)) {
      return fail(ErrorKind::Invalid, "'" + name + "' is no name for a port of a bridge");
    }
  }
  return {};
}

}  // namespace

NftFilter::NftFilter(nft::Table bridge, nft::Table underlay, nft::LogSocket announcements,
                     nft::LogSocket strangers, UniqueFd epoll)
    : bridge_(std::move(bridge)),
      underlay_(std::move(underlay)),
      announcements_(std::move(announcements)),
      strangers_(std::move(strangers)),
      epoll_(std::move(epoll)) {}

Result<std::unique_ptr<NftFilter>> NftFilter::open(const Options& options) {
  auto announcements = in_netns(options.hidden_netns,
                                [&] { return nft::LogSocket::open(options.port, nft::kLogBytes); });
  if (!announcements) {
    return fail(announcements.error().context("namespace of the bridges"));
  }
  auto strangers = nft::LogSocket::open(options.port, nft::kLogBytes);
  if (!strangers) {
    return fail(strangers.error());
  }
  auto epoll = join(*announcements, *strangers);
  if (!epoll) {
    return fail(epoll.error());
  }
  auto bridge =
      open_table(nft::Context::open_in(options.hidden_netns), nft::bridge_layout(options.port));
  if (!bridge) {
    return fail(bridge.error());
  }
  auto underlay = open_table(nft::Context::open(),
                             nft::underlay_layout(options.instance, options.vtep, options.port));
  if (!underlay) {
    return fail(underlay.error());
  }
  return std::unique_ptr<NftFilter>(new NftFilter(std::move(*bridge), std::move(*underlay),
                                                  std::move(*announcements), std::move(*strangers),
                                                  std::move(*epoll)));
}

Result<FilterState> NftFilter::read_back() {
  if (auto read = bridge_.read(); !read) {
    return fail(std::move(read).error());
  }
  if (auto read = underlay_.read(); !read) {
    return fail(std::move(read).error());
  }
  return nft::state_of(bridge_.elements(), underlay_.elements());
}

Result<void> NftFilter::apply(const FilterDelta& delta) {
  if (auto named = check_names(delta); !named) {
    return named;
  }
  // Frames of a VNI that is not ours pass unchecked. So it is ours before its ports may send and be
  // answered, and until they no longer may.
  auto done = underlay_.change([&](const Elements& have) { return underlay_changes(delta, have); });
  if (done) {
    done = bridge_.change([&](const Elements& have) { return bridge_changes(delta, have); });
  }
  return done ? remove_vnis(delta.vnis_remove) : done;
}

// What the bridges' table has of a VNI, the name under which it counts, goes last: a VNI that could
// not be given up reads back.
Result<void> NftFilter::remove_vnis(const std::vector<Vni>& vnis) {
  std::vector<nft::ElementKey> ours;
  std::vector<nft::ElementKey> names;
  for (const auto& vni : vnis) {
    ours.push_back(nft::vni_element(vni));
    names.push_back(nft::wire_element(vni).first);
  }
  if (vnis.empty()) {
    return {};
  }
  auto done = underlay_.change([&](const Elements& have) { return removals(ours, have); });
  return done ? bridge_.change([&](const Elements& have) { return removals(names, have); }) : done;
}

Result<std::vector<ReasonCount>> NftFilter::counters() {
  return counts_of({&bridge_, &underlay_});
}

Result<std::vector<ReasonCount>> NftFilter::read_counters(const Options& options) {
  auto inside = nft::Context::open_in(options.hidden_netns);
  auto own = nft::Context::open();
  if (!inside || !own) {
    return fail(inside ? own.error() : inside.error());
  }
  Table bridge(std::move(*inside), nft::bridge_layout(options.port));
  Table underlay(std::move(*own),
                 nft::underlay_layout(options.instance, options.vtep, options.port));
  return counts_of({&bridge, &underlay});
}

int NftFilter::events_fd() const {
  return epoll_.get();
}

void NftFilter::consume(const OnEvent& take) {
  announcements_.receive([&](const nft::LoggedPacket& packet) {
    if (const auto event = nft::announcement_in(packet)) {
      take(*event);
    }
  });
  strangers_.receive([&](const nft::LoggedPacket& packet) {
    if (const auto event = nft::stranger_in(packet)) {
      take(*event);
    }
  });
}

}  // namespace vtepd
