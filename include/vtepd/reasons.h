/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every outcome that is counted: X(NAME, KIND, "text", "what to look at"). KIND is FORWARD, PASS
 * (left to the host's stack untouched) or DROP. Numbers are never reused; new ones go to the end.
 * The programs, `vtepctl show drops`, the metrics and docs/datapath.md are made from this list.
 */
#pragma once

#define VTEP_REASONS(X)                                                                      \
  X(NONE, PASS, "not VXLAN for this VTEP", "")                                               \
  X(ENCAP, FORWARD, "encapsulated to a remote VTEP", "")                                     \
  X(DECAP, FORWARD, "decapsulated to a local endpoint", "")                                  \
  X(LOCAL, FORWARD, "delivered on the same host", "")                                        \
  X(ARP_REPLY, FORWARD, "ARP request answered", "")                                          \
  X(ND_REPLY, FORWARD, "neighbour solicitation answered", "")                                \
  X(FOREIGN_VNI, PASS, "VNI without an endpoint on this host",                               \
    "another VXLAN user on this host, or a peer with stale entries")                         \
  X(NO_PORT, DROP, "interface is not a port of vtepd", "run `vtepctl show endpoints`")       \
  X(MALFORMED, DROP, "frame too short for its headers", "")                                  \
  X(SPOOF_MAC, DROP, "source MAC is not the port's",                                         \
    "attach with --allow-mac or --no-source-check if this is meant")                         \
  X(SPOOF_IP, DROP, "source address is not the port's",                                      \
    "attach with --allow-address or --no-source-check if this is meant")                     \
  X(SPOOF_ARP, DROP, "ARP sender is not the port's", "as for spoofed addresses")             \
  X(SPOOF_ND, DROP, "neighbour discovery for an address that is not the port's",             \
    "as for spoofed addresses")                                                              \
  X(ROUTER_ADVERT, DROP, "router advertisement or redirect from an endpoint", "")            \
  X(NO_IPV6, DROP, "IPv6 in an IPv4-only network", "")                                       \
  X(VLAN_TAGGED, DROP, "VLAN-tagged frame", "tagged frames are not carried yet")             \
  X(ARP_UNKNOWN, DROP, "ARP request for an unknown address",                                 \
    "no endpoint has this address; `vtepctl show neigh`")                                    \
  X(ND_UNKNOWN, DROP, "neighbour solicitation for an unknown address",                       \
    "no endpoint has this address; `vtepctl show neigh`")                                    \
  X(UNKNOWN_UNICAST, DROP, "unknown destination MAC", "`vtepctl show fdb`")                  \
  X(BUM, DROP, "broadcast or multicast", "the network's policy is to drop it")               \
  X(TOO_BIG, DROP, "larger than the network's MTU", "lower the MTU inside the endpoint")     \
  X(NO_ROUTE, DROP, "no underlay route to the VTEP", "`vtepctl show vteps`, `ip route get`") \
  X(NO_PEER, DROP, "FDB entry names a VTEP without an entry", "report this as a bug")        \
  X(ENCAP_FAILED, DROP, "kernel refused to add the outer header",                            \
    "`vtepctl show status`: is there a pair that cuts frames up?")                           \
  X(OUTER_CHECKSUM, DROP, "outer IPv4 checksum wrong", "the underlay damages frames")        \
  X(OUTER_LENGTH, DROP, "outer lengths disagree", "the underlay damages frames")             \
  X(OUTER_OPTIONS, DROP, "outer IPv4 options", "")                                           \
  X(OUTER_FRAGMENT, DROP, "outer fragment", "raise the underlay MTU or lower the network's") \
  X(VXLAN_FLAGS, DROP, "VXLAN header without the I flag", "")                                \
  X(NOT_MEMBER, DROP, "source VTEP is not a member of the network",                          \
    "a host that the store does not know sends to us")                                       \
  X(NOT_LOCAL, DROP, "inner destination is not an endpoint of this host",                    \
    "a peer with stale entries")                                                             \
  X(INNER_MALFORMED, DROP, "inner frame too short or with a bad address", "")                \
  X(ECN, DROP, "congestion mark on a flow without ECN (RFC 6040)", "")                       \
  X(DECAP_FAILED, DROP, "kernel refused to strip the outer header", "")                      \
  X(GUARD, DROP, "caught by a drop-all program",                                             \
    "a program was detached, or the host itself sent to a port")                             \
  X(ANNOUNCED, FORWARD, "address announced by an endpoint that does not have it yet", "")    \
  X(ANNOUNCED_AGAIN, DROP, "the same announcement again within 100 ms",                      \
    "two endpoints that both say an address is theirs?")                                     \
  X(SEGMENTED, FORWARD, "cut up in software first, for the tunnel state it has", "")

#define VTEP_REASON_ENUM(name, kind, text, hint) VTEP_##name,

enum vtep_reason { VTEP_REASONS(VTEP_REASON_ENUM) VTEP_REASON_MAX };

#undef VTEP_REASON_ENUM
