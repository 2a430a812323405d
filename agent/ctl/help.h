// SPDX-License-Identifier: GPL-2.0-only
#pragma once

namespace vtepd::ctl {

inline constexpr const char* kSummary =
    "vtepctl - VXLAN overlay networks of vtepd\n"
    "Gives containers, VMs and namespaces on several hosts a common Ethernet.";

inline constexpr const char* kFooter =
    "\nExamples:\n"
    "  vtepctl network create blue --subnet 10.1.0.0/24\n"
    "  vtepctl attach blue --netns web --name web     an interface in /run/netns/web\n"
    "  vtepctl show endpoints --network blue\n"
    "  vtepctl show drops                             why frames do not get through\n"
    "  vtepctl detach web\n"
    "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 attach --wait ran out of time (the attach\n"
    "stands). show status: 0 well, 1 degraded, 2 down. diff: 0 none, 1 differences, 2 failed.\n"
    "\nEvery command has --help and --json.";

inline constexpr const char* kNetworkCreateFooter =
    "\nExamples:\n"
    "  vtepctl network create blue --subnet 10.1.0.0/24\n"
    "  vtepctl network create red --subnet 10.2.0.0/16 --subnet fd00:2::/64 --mtu 8950\n"
    "  vtepctl network create lab --subnet 10.1.0.0/24 --address-space lab --vni 5000";

inline constexpr const char* kAttachFooter =
    "\nThe same attach again changes nothing and prints what is there.\n"
    "\nExamples:\n"
    "  vtepctl attach blue --netns web\n"
    "  vtepctl attach blue --netns /proc/4711/ns/net --ifname eth1 --ip 10.1.0.7 --wait=30\n"
    "  vtepctl attach blue --netns router --allow-address 0.0.0.0/0\n"
    "\nExit codes: 0 attached, 1 failed, 2 wrong usage, 3 attached, but hosts named on stderr did\n"
    "not confirm within the time of --wait.";

inline constexpr const char* kDetachFooter =
    "\nExamples:\n"
    "  vtepctl detach web\n"
    "  vtepctl detach 3f2a91c0\n"
    "  vtepctl detach blue --netns web --ifname eth1";

inline constexpr const char* kAddressFooter =
    "\nThe interface in the namespace is not touched: add the address there yourself. An endpoint\n"
    "attached with --allow-address moves such an address to itself by announcing it (gratuitous\n"
    "ARP, unsolicited neighbour advertisement), as keepalived does.\n"
    "\nExamples:\n"
    "  vtepctl address add web 10.1.0.100\n"
    "  vtepctl address add web2 10.1.0.100 --mac 00:00:5e:00:01:0a\n"
    "  vtepctl address del web2 10.1.0.100";

inline constexpr const char* kEndpointsFooter =
    "\nAn endpoint is stale when its host is gone (no live vtepd, not listed in docker/nodes, no\n"
    "live member of gossip) or when the store places it on this host, which does not have it.\n"
    "It stays until its keys go: `vtepctl repair --host VTEP` removes them.";

inline constexpr const char* kDiffFooter =
    "\nWhat is found in the store is looked at again after 2 s, so that a change under way is "
    "none.\n"
    "\nExit codes: 0 no difference, 1 differences, 2 that could not be told, or wrong usage.";

inline constexpr const char* kRepairFooter =
    "\nMends table entries, counts of endpoints, endpoints and addresses that vtepd took and "
    "nobody\n"
    "has. What a dead host left goes only with --host, and addresses and VNIs that a dockerd may "
    "be\n"
    "about to use only with --leaked. Another attach on this host waits until it is over.\n"
    "\nExamples:\n"
    "  vtepctl repair --dry-run\n"
    "  vtepctl repair --host 192.0.2.7\n"
    "\nExit codes: 0 all done, or nothing to do; 1 something failed or changed meanwhile; 2 wrong\n"
    "usage.";

inline constexpr const char* kStatusFooter = "\nExit codes: 0 well, 1 degraded, 2 down.";

}  // namespace vtepd::ctl
