// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/mixed_lab.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::test {

// Everybody pings everybody within ten seconds, and then loses nothing.
void expect_mesh(const std::vector<const Container*>& all);
// TCP and UDP.
void expect_data(const Container& from, const Container& to);

// Two Docker hosts and two vtepd hosts, which gossip with each other, and an endpoint on each.
class FourHosts : public testing::Test {
 protected:
  FourHosts();

  // `net` is the first three bytes of the network's addresses.
  void populate(const std::string& network, const std::string& net);

  [[nodiscard]] std::vector<const Container*> all() const { return {c1_, c2_, e1_, e2_}; }

  void expect_full_mesh() const { expect_mesh(all()); }

  void expect_data_both_ways() const;

  // Whether the overlay namespace of the Docker host has the endpoint's neighbour and FDB entry.
  [[nodiscard]] bool docker_knows(int number, const std::string& network_id,
                                  const Container& endpoint);

  MixedLab lab_;
  const Container* c1_ = nullptr;
  const Container* c2_ = nullptr;
  const Container* e1_ = nullptr;
  const Container* e2_ = nullptr;
};

}  // namespace vtepd::test
