// SPDX-License-Identifier: GPL-2.0-only
// Whatever happens in whatever order: the sum of all deltas is the desired state, and the desired
// state is that of an overlay which was told only the outcome.
#include "core/overlay.h"
#include "unit/core/overlay_bed.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vtepd {
namespace {

using namespace overlay_bed;

// Peer ids depend on history; everything else must not.
ForwardingState without_ids(const ForwardingState& state) {
  ForwardingState result = state;
  result.peers.clear();
  for (const auto& [id, peer] : state.peers) {
    result.peers[peer.remote.to_v4()] = peer;
  }
  for (auto& [key, entry] : result.fdb) {
    if (entry.vtep_id != 0) {
      entry.vtep_id = state.peers.at(entry.vtep_id).remote.to_v4();
    }
  }
  return result;
}

class Outcome {
 public:
  explicit Outcome(unsigned seed) : random_(seed) {}

  void step(Overlay& overlay) {
    const unsigned n = pick(1, 3);
    const unsigned e = pick(2, 9);
    switch (pick(0, 6)) {
      case 0:
        networks_[n] = network(n);
        networks_[n].underlay_mtu = pick(0, 1) * 9000;
        overlay.upsert_network(networks_[n]);
        break;
      case 1:
        networks_.erase(n);
        overlay.erase_network(hex_id(n, 0));
        break;
      case 2:
      case 3:
        upsert_endpoint(overlay, n, e);
        break;
      case 4:
        endpoints_.erase(id(n, e));
        overlay.erase_endpoint(hex_id(n, 0), id(n, e));
        break;
      case 5:
        if (networks_.contains(n)) {
          locals_[id(n, e)] = local(n, e, 100 * n + e);
          locals_[id(n, e)].network = networks_.at(n);
          overlay.upsert_local(locals_[id(n, e)]);
        }
        break;
      default:
        locals_.erase(id(n, e));
        overlay.erase_local(id(n, e));
    }
  }

  [[nodiscard]] ForwardingState told_at_once() const {
    Overlay overlay(kOwnVtep, "me");
    for (const auto& [id, endpoint] : endpoints_) {
      overlay.upsert_endpoint(endpoint);
    }
    for (const auto& [n, network] : networks_) {
      overlay.upsert_network(network);
    }
    for (const auto& [id, local] : locals_) {
      overlay.upsert_local(local);
    }
    return overlay.desired();
  }

  // Only a network that the store has or never had is the same in any order: one that vanished
  // lives on in the local endpoints with the MTU it had.
  [[nodiscard]] bool comparable() const {
    for (const auto& [id, local] : locals_) {
      bool stored = false;
      for (const auto& [n, network] : networks_) {
        stored = stored || network.id == local.network.id;
      }
      if (!stored) {
        return false;
      }
    }
    return true;
  }

 private:
  unsigned pick(unsigned low, unsigned high) {
    return std::uniform_int_distribution<unsigned>(low, high)(random_);
  }

  void upsert_endpoint(Overlay& overlay, unsigned n, unsigned e) {
    const IpAddress vteps[] = {kOwnVtep, kVtepB, kVtepC};
    auto endpoint = remote(n, e, vteps[pick(0, 2)]);
    endpoint.mac = mac(n, pick(2, 9));
    endpoint.address4 = IpPrefix{address(pick(2, 9)), 24};
    if (pick(0, 4) == 0) {
      endpoint.sandbox.clear();
    }
    endpoints_[endpoint.id] = endpoint;
    overlay.upsert_endpoint(endpoint);
  }

  std::mt19937 random_;
  std::map<unsigned, Network> networks_;
  std::map<std::string, Endpoint> endpoints_;
  std::map<std::string, LocalEndpoint> locals_;
};

ForwardingState walked(const Overlay& overlay, std::size_t limit) {
  ForwardingState whole;
  std::size_t next = 0;
  do {
    const auto part = overlay.desired_part(next, limit);
    whole.fdb.insert(part.fdb.begin(), part.fdb.end());
    whole.neighbours.insert(part.neighbours.begin(), part.neighbours.end());
    whole.peers.insert(part.peers.begin(), part.peers.end());
    whole.ports.insert(part.ports.begin(), part.ports.end());
    whole.vnis.insert(part.vnis.begin(), part.vnis.end());
    whole.members.insert(part.members.begin(), part.members.end());
  } while (next != 0);
  return whole;
}

// Somebody else takes an entry, puts another one there and changes a third.
void tamper(ForwardingState& state) {
  if (!state.fdb.empty()) {
    state.fdb.erase(state.fdb.begin());
  }
  state.fdb[{vni(1), mac(9, 9)}] = {.vtep_id = 77};
  if (!state.neighbours.empty()) {
    state.neighbours.begin()->second = mac(9, 9);
  }
  state.neighbours[{vni(1), address(99)}] = mac(9, 9);
  state.members.insert({vni(9), kVtepC});
}

TEST(OverlayProperty, DeltasAddUpAndHistoryDoesNotMatter) {
  constexpr unsigned kRuns = 60;
  constexpr unsigned kSteps = 200;
  unsigned compared = 0;
  for (unsigned seed = 1; seed <= kRuns; ++seed) {
    Overlay overlay(kOwnVtep, "me");
    Outcome outcome(seed);
    Model model;
    for (unsigned step = 0; step < kSteps; ++step) {
      outcome.step(overlay);
      if (step % 3 == 0) {
        model.apply(overlay.take_delta());
        ASSERT_EQ(model.state, overlay.desired()) << "seed " << seed << " step " << step;
        ASSERT_EQ(model.state, walked(overlay, 1 + step % 7))
            << "seed " << seed << " step " << step;
      }
      if (step % 10 == 9) {
        tamper(model.state);
        model.apply(overlay.take_difference(model.state));
        ASSERT_EQ(model.state, overlay.desired()) << "seed " << seed << " step " << step;
        ASSERT_TRUE(overlay.take_delta().empty()) << "seed " << seed << " step " << step;
      }
      if (outcome.comparable()) {
        ++compared;
        ASSERT_EQ(without_ids(overlay.desired()), without_ids(outcome.told_at_once()))
            << "seed " << seed << " step " << step;
      }
    }
  }
  EXPECT_GT(compared, kRuns * kSteps / 20);
}

}  // namespace
}  // namespace vtepd
