// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace vtepd::filestore {

// One line of the journal. Put and Erase speak of a key by its path below kv/; a Mark says that
// indices up to `index` may have been given out.
struct JournalRecord {
  enum class Kind : char { Put = 'P', Erase = 'D', Mark = 'H' };
  Kind kind = Kind::Put;
  std::uint64_t index = 0;
  std::uint64_t identity = 0;
  std::string_view session;  // empty: none
  std::string_view path;
};

// With a checksum in front and a newline behind, so that a torn line cannot be taken for a record.
std::string to_line(const JournalRecord& record);
// The line without its newline; empty if it is damaged. The views point into the line.
std::optional<JournalRecord> parse_line(std::string_view line);

// The file that gives every version of every key its index. All processes append to it under the
// store's lock, which the caller of any of these holds. Whoever finds a torn last line cuts it off.
class Journal {
 public:
  explicit Journal(std::string shown) : shown_(std::move(shown)) {}

  using Sink = std::function<void(const JournalRecord&)>;

  // Feeds the sink with what was appended since the last call. Another file under that name (made
  // by a compaction, or by hand) is read from its beginning, after `restart`. False: there is none.
  Result<bool> refresh(int meta_dir, const std::function<void()>& restart, const Sink& sink);
  // One write; all of it or, on an error, none.
  Result<void> append(std::string_view lines, std::size_t records);
  Result<void> sync();
  // Writes a new journal with those records of the old one that `keep` wants, and puts it in the
  // place of the old one.
  Result<void> rewrite(int meta_dir, const std::function<bool(const JournalRecord&)>& keep);

  // Reads everything again next time.
  void forget() { offset_ = kForgotten; }

  [[nodiscard]] std::size_t records() const { return records_; }

  [[nodiscard]] std::uint64_t damaged() const { return damaged_; }

 private:
  static constexpr std::uint64_t kForgotten = ~std::uint64_t{0};

  Result<bool> reopen(int meta_dir, bool& fresh);
  Result<void> read_lines(int fd, std::uint64_t& offset, const Sink& sink, bool cut_torn);

  std::string shown_;
  UniqueFd fd_;
  std::uint64_t inode_ = 0;
  std::uint64_t offset_ = 0;  // up to here the records are known
  std::size_t records_ = 0;
  std::uint64_t damaged_ = 0;
};

}  // namespace vtepd::filestore
