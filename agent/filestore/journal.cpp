// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/journal.h"

#include "core/types.h"
#include "filestore/posix.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd::filestore {

namespace {

constexpr const char* kName = "journal";
constexpr const char* kNewName = "journal.new";
constexpr std::string_view kHeader = "vtepd-journal 1";
constexpr std::size_t kReadSize = std::size_t{1} << 20U;
constexpr std::size_t kSumDigits = 8;
constexpr int kHexBase = 16;

std::uint32_t sum_of(std::string_view body) {
  return static_cast<std::uint32_t>(hash_bytes(body.data(), body.size()));
}

std::string hex(std::uint64_t number) {
  std::array<char, 16> text{};
  const auto end = std::to_chars(text.begin(), text.end(), number, kHexBase).ptr;
  return {text.begin(), end};
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), number, kHexBase);
  return code == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                 : std::nullopt;
}

std::string_view take_field(std::string_view& rest) {
  const auto blank = rest.find(' ');
  const auto field = rest.substr(0, blank);
  rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  return field;
}

}  // namespace

std::string to_line(const JournalRecord& record) {
  std::string body;
  body.reserve(record.path.size() + 48);
  body += static_cast<char>(record.kind);
  body += ' ' + hex(record.index) + ' ' + hex(record.identity) + ' ';
  body += record.session.empty() ? "-" : record.session;
  body += ' ';
  body += record.path;
  const auto sum = hex(sum_of(body));
  return std::string(kSumDigits - sum.size(), '0') + sum + ' ' + body + '\n';
}

std::optional<JournalRecord> parse_line(std::string_view line) {
  if (line.size() < kSumDigits + 2 || line[kSumDigits] != ' ') {
    return std::nullopt;
  }
  const auto sum = parse_hex(line.substr(0, kSumDigits));
  auto rest = line.substr(kSumDigits + 1);
  if (!sum || *sum != sum_of(rest)) {
    return std::nullopt;
  }
  const auto kind = take_field(rest);
  const auto index = parse_hex(take_field(rest));
  const auto identity = parse_hex(take_field(rest));
  const auto session = take_field(rest);
  if (!index || !identity || kind.size() != 1 ||
      std::string_view("PDH").find(kind) == std::string_view::npos) {
    return std::nullopt;
  }
  return JournalRecord{static_cast<JournalRecord::Kind>(kind.front()), *index, *identity,
                       session == "-" ? std::string_view() : session, rest};
}

Result<bool> Journal::reopen(int meta_dir, bool& fresh) {
  struct stat status {};

  if (::fstatat(meta_dir, kName, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) {
      return false;
    }
    return fail_errno(errno, "read '" + shown_ + "'");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  fresh = !fd_.valid() || status.st_ino != inode_ || size < offset_;
  if (fd_.valid() && status.st_ino == inode_) {
    return true;
  }
  UniqueFd fd(::openat(meta_dir, kName, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    return fail(write_error(errno, shown_));
  }
  fd_ = std::move(fd);
  inode_ = status.st_ino;
  return true;
}

Result<bool> Journal::refresh(int meta_dir, const std::function<void()>& restart,
                              const Sink& sink) {
  bool fresh = false;
  const auto there = reopen(meta_dir, fresh);
  if (!there || !*there) {
    // Deleted under us: what others wrote before is still behind our descriptor.
    if (there && fd_.valid() && offset_ != kForgotten) {
      static_cast<void>(read_lines(fd_.get(), offset_, sink, false));
    }
    return there;
  }
  if (fresh) {
    restart();
    offset_ = 0;
    records_ = 0;
  }
  auto done = read_lines(fd_.get(), offset_, sink, true);
  if (!done) {
    return fail(done.error());
  }
  return offset_ > 0;  // without even a header it is no journal
}

Result<void> Journal::read_lines(int fd, std::uint64_t& offset, const Sink& sink, bool cut_torn) {
  std::string buffer;
  std::size_t used = 0;  // bytes of the buffer that are an unfinished line
  for (;;) {
    buffer.resize(used + kReadSize);
    const auto got =
        ::pread(fd, buffer.data() + used, kReadSize, static_cast<off_t>(offset + used));
    if (got < 0) {
      return fail_errno(errno, "read '" + shown_ + "'");
    }
    if (got == 0) {
      break;
    }
    const std::string_view bytes(buffer.data(), used + static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (auto end = bytes.find('\n'); end != std::string_view::npos;
         end = bytes.find('\n', begin)) {
      const auto line = bytes.substr(begin, end - begin);
      const bool header = offset + begin == 0 && line == kHeader;
      const auto record = header ? std::nullopt : parse_line(line);
      if (record) {
        ++records_;
        sink(*record);
      } else if (!header) {
        ++damaged_;
      }
      begin = end + 1;
    }
    used = bytes.size() - begin;
    offset += begin;
    buffer.erase(0, begin);
  }
  if (used > 0 && cut_torn && ::ftruncate(fd, static_cast<off_t>(offset)) != 0) {
    return fail(write_error(errno, shown_));
  }
  return {};
}

Result<void> Journal::append(std::string_view lines, std::size_t records) {
  auto written = write_all(fd_.get(), lines, shown_);
  if (!written) {
    // A part may be there: cut it off, or the next record would be glued to it.
    static_cast<void>(::ftruncate(fd_.get(), static_cast<off_t>(offset_)));
    return written;
  }
  offset_ += lines.size();
  records_ += records;
  return {};
}

Result<void> Journal::sync() {
  return sync_fd(fd_.get(), shown_);
}

Result<void> Journal::rewrite(int meta_dir, const std::function<bool(const JournalRecord&)>& keep) {
  std::string text(kHeader);
  text += '\n';
  if (fd_.valid()) {
    std::uint64_t from = 0;
    const auto copy = [&](const JournalRecord& record) {
      if (keep(record)) {
        text += to_line(record);
      }
    };
    if (auto read = read_lines(fd_.get(), from, copy, false); !read) {
      return read;
    }
  }
  ::unlinkat(meta_dir, kNewName, 0);  // of somebody who did not get to the end
  if (auto written = write_file(meta_dir, kNewName, text, shown_); !written) {
    return fail(written.error());
  }
  if (::renameat(meta_dir, kNewName, meta_dir, kName) != 0) {
    return fail(write_error(errno, shown_));
  }
  return sync_fd(meta_dir, shown_);
}

}  // namespace vtepd::filestore
