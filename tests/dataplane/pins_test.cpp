// SPDX-License-Identifier: GPL-2.0-only
#include "dataplane/bench.h"

#include <unistd.h>

namespace vtepd::test {

namespace {

using Pins = DataplaneTest;

Error refused(const BpfDataplane::Options& options) {
  const auto opened = BpfDataplane::open(options);
  return opened ? Error{ErrorKind::Internal, "was not refused"} : opened.error();
}

}  // namespace

TEST_F(Pins, PathThatIsNoBpffsIsNamedWithWhatToDo) {
  auto wrong = options();
  wrong.bpffs = "/mnt";

  const Error error = refused(wrong);

  EXPECT_EQ(error.kind, ErrorKind::Unavailable);
  EXPECT_NE(error.what.find("/mnt is not a BPF file system"), std::string::npos) << error.what;
  EXPECT_NE(error.what.find("mount -t bpf bpf /mnt"), std::string::npos);
  EXPECT_NE(error.what.find("nsenter --net"), std::string::npos);
}

TEST_F(Pins, FoldersAreRootsAlone) {
  const auto dataplane = must(BpfDataplane::open(options()));

  for (const auto& path : {kBpffs + "/vtepd", kPins, kPins + "/links", kSet + "_new"}) {
    EXPECT_EQ(run("stat -c '%u %a' " + path), "0 700\n") << path;
  }
}

TEST_F(Pins, FolderOfSomebodyElseIsRefused) {
  run("mkdir -m 700 " + kBpffs + "/vtepd && chown 1000 " + kBpffs + "/vtepd");
  EXPECT_EQ(refused(options()).kind, ErrorKind::Denied);
}

TEST_F(Pins, FolderWritableByOthersIsRefused) {
  run("mkdir -p " + kPins + " && chmod 777 " + kPins);

  const Error error = refused(options());

  EXPECT_EQ(error.kind, ErrorKind::Denied);
  EXPECT_NE(error.what.find(kPins), std::string::npos);
}

TEST_F(Pins, InstanceNameWithADotOrSlashIsRefused) {
  for (const auto* name : {"", "a.b", "../x", "a/b"}) {
    EXPECT_EQ(refused(options(name)).kind, ErrorKind::Invalid) << name;
  }
}

TEST_F(Pins, WithoutPrivilegeTheErrorNamesWhatIsNeeded) {
  must(BpfDataplane::open(options())).reset();
  run("chmod 711 " + kBpffs + "/vtepd " + kPins);
  ASSERT_EQ(seteuid(65534), 0);

  const Error error = refused(options());

  ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(error.kind, ErrorKind::Denied) << error.what;
}

}  // namespace vtepd::test
