// SPDX-License-Identifier: GPL-2.0-only
// TableWriter: ports, and what they may send besides.
#include "bpf/table_put.h"
#include "bpf/table_writer.h"

#include <set>
#include <utility>
#include <vector>

namespace vtepd {

// What a port may send is widened before the port's own entry changes and narrowed after it, so
// that nothing legal is dropped in between.
void TableWriter::put_ports(const ForwardingDelta& delta, ApplyReport& report) {
  std::vector<std::pair<IfIndex, PortEntry>> ready;
  for (const auto& item : delta.ports_put) {
    if (allow(item.first, item.second, report)) {
      ready.push_back(item);
    } else {
      report.failed.ports_put.push_back(item);
    }
  }
  const std::size_t before = report.failed.ports_put.size();
  put_items(tables_.ports, Table::Ports, ready, kNumberFirst, kEncodeSecond,
            report.failed.ports_put, report);
  std::set<IfIndex> failed;
  for (std::size_t i = before; i < report.failed.ports_put.size(); ++i) {
    failed.insert(report.failed.ports_put[i].first);
  }
  for (const auto& [ifindex, port] : ready) {
    if (!failed.contains(ifindex)) {
      disallow(ifindex, {port.allowed_addresses, port.allowed_macs}, report);
    }
  }
}

bool TableWriter::allow(IfIndex ifindex, const PortEntry& port, ApplyReport& report) {
  Allowed& have = allowed_[ifindex];
  std::vector<vtep_allow_key> addresses;
  std::vector<vtep_allow_mac_key> macs;
  for (const IpPrefix& prefix : port.allowed_addresses) {
    if (have.addresses.insert(prefix.network()).second) {
      addresses.push_back(abi::allow_key(ifindex, prefix));
    }
  }
  for (const MacAddress& mac : port.allowed_macs) {
    if (have.macs.insert(mac).second) {
      macs.push_back(abi::allow_key(ifindex, mac));
    }
  }
  const auto address_failures =
      tables_.allow.update(addresses, std::vector<__u8>(addresses.size(), 1));
  const auto mac_failures = tables_.allow_mac.update(macs, std::vector<__u8>(macs.size(), 1));
  for (const MapFailure& failure : address_failures) {
    have.addresses.erase(abi::decode(addresses[failure.index]).second);
  }
  for (const MapFailure& failure : mac_failures) {
    have.macs.erase(abi::decode(macs[failure.index]).second);
  }
  report_failures(tables_.allow.raw(), Table::Allow, address_failures, true, report);
  report_failures(tables_.allow_mac.raw(), Table::AllowMac, mac_failures, true, report);
  return address_failures.empty() && mac_failures.empty();
}

void TableWriter::disallow(IfIndex ifindex, const Allowed& keep, ApplyReport& report) {
  const auto found = allowed_.find(ifindex);
  if (found == allowed_.end()) {
    return;
  }
  std::set<IpPrefix> networks;
  for (const IpPrefix& prefix : keep.addresses) {
    networks.insert(prefix.network());
  }
  std::vector<vtep_allow_key> addresses;
  std::vector<vtep_allow_mac_key> macs;
  std::erase_if(found->second.addresses, [&](const IpPrefix& prefix) {
    const bool gone = !networks.contains(prefix);
    if (gone) {
      addresses.push_back(abi::allow_key(ifindex, prefix));
    }
    return gone;
  });
  std::erase_if(found->second.macs, [&](const MacAddress& mac) {
    const bool gone = !keep.macs.contains(mac);
    if (gone) {
      macs.push_back(abi::allow_key(ifindex, mac));
    }
    return gone;
  });
  report_failures(tables_.allow.raw(), Table::Allow, tables_.allow.erase(addresses), false, report);
  report_failures(tables_.allow_mac.raw(), Table::AllowMac, tables_.allow_mac.erase(macs), false,
                  report);
  if (found->second.addresses.empty() && found->second.macs.empty()) {
    allowed_.erase(found);
  }
}

}  // namespace vtepd
