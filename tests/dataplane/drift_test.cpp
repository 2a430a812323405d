// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/pins.h"
#include "dataplane/bench.h"

#include <bpf/bpf.h>

namespace vtepd::test {

namespace {

using Names = std::vector<std::string>;

class Drift : public DataplaneTest {
 protected:
  void start(const std::string& kind) {
    port_ = make_veth("vtep01");
    auto wanted = options();
    wanted.attach = kind;
    dataplane_ = must(BpfDataplane::open(wanted));
    must(dataplane_->attach_port(port_, "vtep01"));
    must(dataplane_->commit());
    EXPECT_TRUE(must(dataplane_->verify_attachments()).empty());
  }

  void expect_mended(const std::string& kind) {
    const auto problems = must(dataplane_->verify_attachments());
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].find("vtep01_in"), std::string::npos) << problems[0];
    EXPECT_TRUE(must(dataplane_->verify_attachments()).empty());
    EXPECT_EQ(names(on_hook(kind, port_, Direction::Ingress)),
              (Names{"vtep_from_ep", "vtep_drop_all"}));
  }

  IfIndex port_;
  std::unique_ptr<BpfDataplane> dataplane_;
};

// A pinned map as bytes, in the hands of somebody else.
class Entries {
 public:
  explicit Entries(const std::string& pin) : fd_(must(open_pin(pin, false))) {
    bpf_map_info info{};
    __u32 size = sizeof info;
    bpf_map_get_info_by_fd(fd_.get(), &info, &size);
    key_size_ = info.key_size;
    value_size_ = info.value_size;
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> list() const {
    std::vector<std::pair<std::string, std::string>> out;
    std::string key(key_size_, 0);
    std::string value(value_size_, 0);
    const void* previous = nullptr;
    while (bpf_map_get_next_key(fd_.get(), previous, key.data()) == 0) {
      bpf_map_lookup_elem(fd_.get(), key.data(), value.data());
      out.emplace_back(key, value);
      previous = out.back().first.data();
    }
    return out;
  }

  void erase(const std::string& key) const {
    EXPECT_EQ(bpf_map_delete_elem(fd_.get(), key.data()), 0);
  }

  void put(const std::string& key, const std::string& value) const {
    EXPECT_EQ(bpf_map_update_elem(fd_.get(), key.data(), value.data(), BPF_ANY), 0);
  }

 private:
  UniqueFd fd_;
  std::size_t key_size_ = 0;
  std::size_t value_size_ = 0;
};

}  // namespace

TEST_F(Drift, DetachedLinkIsAttachedAgain) {
  start("tcx");
  const auto link = must(open_pin(kPins + "/links/vtep01_in", false));
  ASSERT_EQ(bpf_link_detach(link.get()), 0);

  expect_mended("tcx");
}

TEST_F(Drift, RemovedPinIsPinnedAgainWithoutDetaching) {
  start("tcx");
  const auto before = on_tcx(port_, Direction::Ingress);
  must(remove_pin(kPins + "/links/vtep01_in2"));

  expect_mended("tcx");

  EXPECT_EQ(on_tcx(port_, Direction::Ingress)[1].link_id, before[1].link_id);
  EXPECT_TRUE(exists(kPins + "/links/vtep01_in2"));
}

TEST_F(Drift, RemovedFilterIsAttachedAgain) {
  start("clsact");
  run("tc filter del dev vtep01 ingress prio 17");

  expect_mended("clsact");
}

TEST_F(Drift, InterfaceThatIsGoneIsNoProblem) {
  start("tcx");
  run("ip link del vtep01");

  EXPECT_TRUE(must(dataplane_->verify_attachments()).empty());
}

// Whatever is deleted or changed in any table is found, and nothing else; putting it makes the
// tables what they were.
TEST_F(Drift, ChangedAndDeletedEntriesAreFoundOneByOne) {
  const auto dataplane = must(BpfDataplane::open(options()));
  const ForwardingState want = small_state();
  fill(*dataplane, want);
  must(dataplane->commit());
  ASSERT_TRUE(must(dataplane->missing(want)).empty());
  const std::vector<std::pair<std::string, std::size_t>> tables{
      {"vtep_fdb", 2},  {"vtep_neigh", 1},     {"vtep_peers", 1},  {"vtep_ports", 1},
      {"vtep_vnis", 1}, {"vtep_allow_mac", 1}, {"vtep_members", 1}};

  for (const auto& [table, entries] : tables) {
    SCOPED_TRACE(table);
    const auto map = Entries(kSet + "/" + table);
    const auto all = map.list();
    ASSERT_EQ(all.size(), entries);
    for (const bool erase : {true, false}) {
      if (erase) {
        map.erase(all.front().first);
      } else {
        map.put(all.front().first, std::string(all.front().second.size(), '\x5a'));
      }

      const auto lacking = must(dataplane->missing(want));

      EXPECT_EQ(lacking.size(), 1U);
      EXPECT_TRUE(dataplane->apply(lacking).errors.empty());
      EXPECT_TRUE(must(dataplane->missing(want)).empty());
      EXPECT_EQ(must(dataplane->read_back()), want);
    }
  }
}

}  // namespace vtepd::test
