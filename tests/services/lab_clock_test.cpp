// SPDX-License-Identifier: GPL-2.0-only
// The wall clock of a host is stepped while its daemon runs.
#include "support/consul_lab.h"

#include <array>
#include <ctime>
#include <filesystem>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

constexpr const char* kFakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

class SteppedClock : public testing::Test {
 protected:
  SteppedClock() {
    const auto options = consul_host("kind = \"serf\"\n");
    lab_.add_host(options).use_program(wrapper());
    lab_.add_host(options);
    step("+0");
    std::tie(a_, b_) = attach_neighbours(lab_);
  }

  // The daemon with a wall clock that the file says; its monotonic clock is the machine's.
  [[nodiscard]] std::string wrapper() const {
    const std::string path = lab_folder() + "/vtepd-stepped";
    write_file(path, std::string("#!/bin/sh\nexec env LD_PRELOAD=") + kFakeTime +
                         " FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1" +
                         " FAKETIME_TIMESTAMP_FILE=" + clock_ + " " + vtepd_program() +
                         " \"$@\"\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  void step(const std::string& offset) const { write_file(clock_, offset + "\n"); }

  std::string next_address() { return "192.168.7." + std::to_string(++last_address_); }

  void expect_all_well() {
    EXPECT_TRUE(a_->pings(b_->address));
    Container& c = lab_.host(2).attach("blue", next_address());
    await_known(lab_.host(1), c.address);
    EXPECT_TRUE(a_->pings(c.address));
    Container& d = lab_.host(1).attach("blue", next_address());
    await_known(lab_.host(2), d.address);
    EXPECT_TRUE(d.pings(b_->address));
    EXPECT_TRUE(lab_.host(1).ctl({"show", "status"}).ok())
        << lab_.host(1).ctl({"show", "status"}).text();
  }

  // "2026-11-30": the date at this offset, in the log's form.
  [[nodiscard]] static std::string day(const std::string& offset) {
    const auto seconds = std::time(nullptr) + std::stol(offset) * 24 * 3600;
    tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 16> text{};
    (void)std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
    return text.data();
  }

  std::string clock_ = lab_folder() + "/clock";
  Lab lab_{{.hosts = 0}};
  LabConsul consul_{lab_};
  Container* a_ = nullptr;
  Container* b_ = nullptr;
  int last_address_ = 20;
};

TEST_F(SteppedClock, DisturbsNothing) {
  ASSERT_TRUE(std::filesystem::exists(kFakeTime)) << "the package faketime is missing";
  expect_all_well();
  for (const char* offset : {"+7d", "-7d"}) {
    step(offset);
    // The log has the daemon's own clock: proof that the step reached it.
    lab_.host(1).must({"network", "create", std::string("n") + (offset[0] == '+' ? "up" : "down"),
                       "--subnet", offset[0] == '+' ? "192.168.8.0/24" : "192.168.9.0/24"});
    expect_all_well();
    EXPECT_NE(read_file(lab_.host(1).log_path()).find(day(offset)), std::string::npos) << offset;
  }
}

}  // namespace

}  // namespace vtepd::test
