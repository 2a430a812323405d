// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/index_table.h"

#include "core/types.h"

#include <algorithm>

namespace vtepd::filestore {

// Two hash functions that have nothing in common.
IndexTable::Digest IndexTable::digest_of(std::string_view path) {
  return {std::hash<std::string_view>{}(path), hash_bytes(path.data(), path.size())};
}

void IndexTable::apply(const JournalRecord& record) {
  if (record.kind == JournalRecord::Kind::Mark) {
    next_ = std::max(next_, record.index - std::min(record.index, kBlock) + 1);
    mark_ = std::max(mark_, record.index);
    return;
  }
  next_ = std::max(next_, record.index + 1);
  if (record.kind == JournalRecord::Kind::Erase) {
    drop(record.path);
    return;
  }
  entries_[digest_of(record.path)] = Entry{record.index, record.identity};
  if (!record.session.empty()) {
    sessions_.insert_or_assign(std::string(record.path), std::string(record.session));
  } else if (const auto held = sessions_.find(record.path); held != sessions_.end()) {
    sessions_.erase(held);
  }
}

void IndexTable::clear() {
  entries_.clear();
  sessions_.clear();
}

const IndexTable::Entry* IndexTable::find(std::string_view path) const {
  const auto found = entries_.find(digest_of(path));
  return found == entries_.end() ? nullptr : &found->second;
}

void IndexTable::drop(std::string_view path) {
  entries_.erase(digest_of(path));
  if (const auto held = sessions_.find(path); held != sessions_.end()) {
    sessions_.erase(held);
  }
}

std::size_t IndexTable::bytes() const {
  // A node holds its value and a link; the allocator rounds up to 16 and adds 8.
  constexpr std::size_t kNode = (sizeof(Digest) + sizeof(Entry) + sizeof(void*) + 8 + 15) / 16 * 16;
  return entries_.size() * kNode + entries_.bucket_count() * sizeof(void*);
}

}  // namespace vtepd::filestore
