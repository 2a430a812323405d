// SPDX-License-Identifier: GPL-2.0-only
#include "api/unix_socket.h"

#include <cstdlib>
#include <fstream>

#include <sys/stat.h>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd {
namespace {

class UnixSocket : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/vtepd-socket-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = folder_ + "/api.sock";
  }

  void TearDown() override { std::system(("rm -rf '" + folder_ + "'").c_str()); }

  std::string folder_;
  std::string path_;
};

TEST_F(UnixSocket, StaleSocketIsReplaced) {
  ASSERT_TRUE(listen_unix(path_));  // closed at once, the path stays
  ASSERT_EQ(access(path_.c_str(), F_OK), 0);
  EXPECT_TRUE(listen_unix(path_));
}

TEST_F(UnixSocket, LiveSocketIsAConflict) {
  const auto first = listen_unix(path_);
  const auto second = listen_unix(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::Conflict);
}

TEST_F(UnixSocket, OtherFilesAreLeftAlone) {
  std::ofstream(path_) << "precious";
  const auto result = listen_unix(path_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, path_ + " exists and is no socket; remove it");
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixSocket, FolderThatOthersMayWriteToIsRefused) {
  ASSERT_EQ(chmod(folder_.c_str(), 0770), 0);
  const auto result = listen_unix(path_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::Denied);
}

TEST_F(UnixSocket, ExistingFolderKeepsItsMode) {
  ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  ASSERT_TRUE(listen_unix(path_));

  struct stat status {};

  ASSERT_EQ(stat(folder_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0755U);
}

TEST_F(UnixSocket, LongPathIsRefused) {
  const auto result = listen_unix("/tmp/" + std::string(200, 'x'));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::Invalid);
}

TEST_F(UnixSocket, SuccessorsSocketIsNotRemoved) {
  const auto first = listen_unix(path_);
  {
    const BoundPath bound(path_);
    // A second file while the first still lives, so that the inode number differs.
    ASSERT_EQ(rename(path_.c_str(), (path_ + ".old").c_str()), 0);
    std::ofstream(path_) << "successor";
  }
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixSocket, OwnSocketIsRemoved) {
  const auto fd = listen_unix(path_);
  { const BoundPath bound(path_); }
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace vtepd
