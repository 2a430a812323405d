// SPDX-License-Identifier: GPL-2.0-only
// The object's BTF has the layout that this program was compiled with.
#include "vtepd/abi.h"

#include "datapath.skel.h"

#include <cstddef>
#include <memory>
#include <string>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

struct Member {
  const char* type;
  std::size_t size;
  const char* name;
  std::size_t offset;
};

#define MEMBER(type, name) \
  { #type, sizeof(type), #name, offsetof(type, name) }

const Member kMembers[] = {
    MEMBER(vtep_fdb_key, vni),
    MEMBER(vtep_fdb_key, mac),
    MEMBER(vtep_fdb_key, pad),
    MEMBER(vtep_fdb_value, vtep),
    MEMBER(vtep_fdb_value, ifindex),
    MEMBER(vtep_fdb_value, flags),
    MEMBER(vtep_neigh_key, vni),
    MEMBER(vtep_neigh_key, addr),
    MEMBER(vtep_neigh_value, mac),
    MEMBER(vtep_peer, remote),
    MEMBER(vtep_peer, local),
    MEMBER(vtep_peer, next_hop),
    MEMBER(vtep_peer, ifindex),
    MEMBER(vtep_peer, mtu),
    MEMBER(vtep_peer, flags),
    MEMBER(vtep_peer, header),
    MEMBER(vtep_port, vni),
    MEMBER(vtep_port, flags),
    MEMBER(vtep_port, peer_ifindex),
    MEMBER(vtep_port, mac),
    MEMBER(vtep_port, addr4),
    MEMBER(vtep_port, addr6),
    MEMBER(vtep_allow_key, prefixlen),
    MEMBER(vtep_allow_key, ifindex),
    MEMBER(vtep_allow_key, addr),
    MEMBER(vtep_allow_mac_key, ifindex),
    MEMBER(vtep_allow_mac_key, mac),
    MEMBER(vtep_vni, slot),
    MEMBER(vtep_vni, mtu),
    MEMBER(vtep_vni, unknown),
    MEMBER(vtep_vni, bum),
    MEMBER(vtep_vni, dscp),
    MEMBER(vtep_member_key, vni),
    MEMBER(vtep_member_key, vtep),
    MEMBER(vtep_underlay, mac),
    MEMBER(vtep_underlay, cookie),
    MEMBER(vtep_counter_key, vni),
    MEMBER(vtep_counter_key, reason),
    MEMBER(vtep_counter, packets),
    MEMBER(vtep_counter, bytes),
    MEMBER(vtep_config, vtep4),
    MEMBER(vtep_config, port),
    MEMBER(vtep_config, sport_min),
    MEMBER(vtep_config, sport_max),
    MEMBER(vtep_config, features),
    MEMBER(vtep_config, summed_byte),
    MEMBER(vtep_config, summed_bit),
    // Events pass through the ring buffer, whose map has no types: the programs' own use.
    MEMBER(vtep_event, time_ns),
    MEMBER(vtep_event, reason),
    MEMBER(vtep_event, vni),
    MEMBER(vtep_event, ifindex),
    MEMBER(vtep_event, mac),
    MEMBER(vtep_event, addr),
};

class Abi : public testing::TestWithParam<Member> {};

TEST_P(Abi, ObjectAgrees) {
  const auto destroy = [](datapath_bpf* skeleton) { datapath_bpf::destroy(skeleton); };
  const std::unique_ptr<datapath_bpf, decltype(destroy)> skeleton(datapath_bpf::open(), destroy);
  ASSERT_TRUE(skeleton);
  const btf* types = bpf_object__btf(skeleton->obj);
  const Member& member = GetParam();
  const auto id = btf__find_by_name_kind(types, member.type, BTF_KIND_STRUCT);
  ASSERT_GT(id, 0) << member.type;
  const btf_type* type = btf__type_by_id(types, static_cast<__u32>(id));
  EXPECT_EQ(type->size, member.size) << member.type;

  for (__u32 i = 0; i < btf_vlen(type); i++) {
    const btf_member& found = btf_members(type)[i];
    if (std::string(btf__name_by_offset(types, found.name_off)) == member.name) {
      EXPECT_EQ(btf_member_bit_offset(type, i), member.offset * 8);
      return;
    }
  }
  FAIL() << member.type << " has no " << member.name;
}

const auto kMemberName = [](const auto& test) {
  return std::string(test.param.type) + "_" + test.param.name;
};
INSTANTIATE_TEST_SUITE_P(Layout, Abi, testing::ValuesIn(kMembers), kMemberName);

}  // namespace
}  // namespace vtepd::test
