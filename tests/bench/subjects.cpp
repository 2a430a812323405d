// SPDX-License-Identifier: GPL-2.0-only
#include "bench/bed.h"
#include "bench/works.h"

#include <stdexcept>

namespace vtepd::bench {

namespace {

std::unique_ptr<Subject> lay_out(const std::string& name, std::uint32_t endpoints) {
  if (name == "bare") {
    return make_bare();
  }
  if (name == "routed") {
    return make_routed();
  }
  if (name == "docker-layout") {
    return make_docker_layout();
  }
  if (name == "flow-based") {
    return make_flow_based(endpoints);
  }
  return make_vtepd(name, endpoints);
}

void expect_reached(const End& from, const End& to) {
  const test::Outcome pinged = from.netns->exec(
      {"ping", "-n", "-q", "-c", "3", "-i", "0.05", "-W", "2", to.address}, test::Seconds(20));
  if (!pinged.ok()) {
    throw std::runtime_error(to.address + " is not reached from " + from.address + ": " +
                             pinged.text());
  }
}

}  // namespace

const std::vector<std::string>& subject_names() {
  static const std::vector<std::string> names{
      "bare", "routed", "docker-layout", "flow-based", "vtepd-tc", "vtepd-xdp", "vtepd-kernel"};
  return names;
}

std::unique_ptr<Subject> make_subject(const std::string& name, std::uint32_t endpoints) {
  std::unique_ptr<Subject> subject = lay_out(name, endpoints);
  const Ends& ends = subject->ends();
  expect_reached(ends.left, ends.right);
  expect_reached(ends.right, *ends.beside);
  if (ends.router) {
    expect_reached(ends.left, *ends.router);
  }
  if (name != "bare" && name != "routed") {
    subject->fill(endpoints);
  }
  return subject;
}

const std::set<std::string>& all_subjects() {
  static const std::set<std::string> all(subject_names().begin(), subject_names().end());
  return all;
}

std::set<std::string> all_subjects_but(const std::set<std::string>& without) {
  std::set<std::string> out = all_subjects();
  for (const std::string& name : without) {
    out.erase(name);
  }
  return out;
}

}  // namespace vtepd::bench
