// SPDX-License-Identifier: GPL-2.0-only
#include "registry/mend.h"

#include "registry/ipam_codec.h"
#include "registry/own_codec.h"

#include <algorithm>
#include <utility>

namespace vtepd::registry {

namespace {

// Endpoints that go change counts and bits, so they come last.
int rank(const Finding& finding) {
  switch (finding.fault) {
    case Fault::HolderGone:
      return 1;
    case Fault::Orphan:
      return 2;
    case Fault::HostGone:
      return 3;
    default:
      return 0;
  }
}

bool is_wanted(const Finding& finding, const std::optional<IpAddress>& host, bool leaked) {
  return finding.remedy == Remedy::Repair || (finding.remedy == Remedy::Leaked && leaked) ||
         (finding.remedy == Remedy::Host && finding.endpoint && finding.endpoint->vtep == host);
}

Result<bool> turn_bits(const Context& context, const std::vector<Finding>& item) {
  const auto& [key, index] = std::pair(item.front().key, item.front().index);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair || (*pair)->index != index) {
    return false;
  }
  auto named = decode_bits(key, (*pair)->value);
  if (!named) {
    return fail(named.error());
  }
  for (const auto& finding : item) {
    const bool leaked = finding.fault == Fault::AddressLeaked || finding.fault == Fault::VniLeaked;
    static_cast<void>(leaked ? named->bits.clear(finding.number) : named->bits.set(finding.number));
  }
  return context.store.put(key, encode_bits(*named), index);
}

// Unless the host came back since the audit.
Result<bool> remove_leftover(const Context& context, const Endpoint& endpoint) {
  const auto hosts = read_hosts(context);
  if (!hosts) {
    return fail(hosts.error());
  }
  if (hosts->nodes.contains(endpoint.vtep) || hosts->listed.contains(endpoint.vtep)) {
    return fail(ErrorKind::Conflict, "host " + endpoint.vtep.to_string() + " came back");
  }
  return remove_endpoint(context, endpoint);
}

}  // namespace

bool removes_endpoint(const Finding& finding) {
  return finding.fault == Fault::Orphan || finding.fault == Fault::HostGone;
}

std::vector<std::vector<Finding>> plan(const std::vector<Finding>& findings,
                                       const std::optional<IpAddress>& host, bool leaked) {
  std::vector<Finding> wanted;
  std::copy_if(findings.begin(), findings.end(), std::back_inserter(wanted),
               [&](const Finding& finding) { return is_wanted(finding, host, leaked); });
  std::stable_sort(wanted.begin(), wanted.end(), [](const Finding& a, const Finding& b) {
    return std::pair(rank(a), a.key) < std::pair(rank(b), b.key);
  });
  std::vector<std::vector<Finding>> items;
  for (auto& finding : wanted) {
    const bool same =
        !items.empty() && !finding.key.empty() && items.back().front().key == finding.key;
    if (!same) {
      items.emplace_back();
    }
    items.back().push_back(std::move(finding));
  }
  return items;
}

Result<bool> mend(const Context& context, const std::vector<Finding>& item) {
  const auto& first = item.front();
  switch (first.fault) {
    case Fault::HostGone:
      return remove_leftover(context, *first.endpoint);
    case Fault::Orphan:
      return remove_endpoint(context, *first.endpoint);
    case Fault::HolderGone:
      return let_go(context, first.floating->network_id, first.floating->endpoint_id,
                    first.floating->address);
    case Fault::CountOff:
      return context.store.put(first.key, encode_count(first.number), first.index);
    default:
      return turn_bits(context, item);
  }
}

}  // namespace vtepd::registry

namespace vtepd {

Result<bool> Registry::mend(const std::vector<registry::Finding>& findings) {
  auto mended = registry::mend({store_, options_, registry::Keys(options_.prefix)}, findings);
  if (!mended || !*mended || !registry::removes_endpoint(findings.front())) {
    return mended;
  }
  // Whoever waited for it to be acknowledged may have died with its host.
  const auto& endpoint = *findings.front().endpoint;
  const auto cleared = clear_ack(endpoint.network_id, endpoint.id);
  return cleared ? mended : fail(cleared.error());
}

}  // namespace vtepd
