// SPDX-License-Identifier: GPL-2.0-only
#include "state/durable_file.h"

#include "base/unique_fd.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd {

namespace {

Result<void> write_all(int fd, const std::string& content) {
  std::size_t done = 0;
  while (done < content.size()) {
    const auto count = ::write(fd, content.data() + done, content.size() - done);
    if (count < 0 && errno != EINTR) {
      return fail_errno(errno, "write");
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  return ::fsync(fd) == 0 ? Result<void>{} : Result<void>(fail_errno(errno, "fsync"));
}

}  // namespace

Result<void> write_durably(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".new";
  const auto give_up = [&](const Error& error) {
    ::unlink(temporary.c_str());
    return fail(error.context("write " + path));
  };
  const UniqueFd file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) {
    return fail_errno(errno, "write " + path);
  }
  if (const auto written = write_all(file.get(), content); !written) {
    return give_up(written.error());
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return give_up(Error::from_errno(errno, "rename"));
  }
  const auto folder = std::filesystem::path(path).parent_path();
  const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) {
    return fail_errno(errno, "fsync " + folder.string());
  }
  return {};
}

Result<std::string> read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    return fail_errno(errno, "read " + path);
  }
  std::string content;
  std::array<char, 65536> buffer{};
  while (true) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count == 0) {
      return content;
    }
    if (count < 0 && errno != EINTR) {
      return fail_errno(errno, "read " + path);
    }
    content.append(buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  }
}

Result<void> make_folder(const std::string& path) {
  std::error_code error;
  const auto parent = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(parent, error);
  if (error) {
    return fail_errno(error.value(), "make folder " + parent.string());
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_errno(errno, "make folder " + path);
  }
  return {};
}

}  // namespace vtepd
