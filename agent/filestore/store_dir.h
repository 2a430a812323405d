// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <string>

namespace vtepd::filestore {

// The store's folder: <dir>/kv with the keys, <dir>/.vtepd with lock, journal, temporary files,
// sessions and the marker `store`, which holds the store's id. No marker, no store: an empty mount
// point must not look like a store from which everything was deleted.
class StoreDir {
 public:
  // Makes the folder and what belongs into it if `create` and it is missing or empty.
  static Result<StoreDir> open(const std::string& dir, bool create);

  // Whether the path still leads to the folder that was opened, with marker and kv/. If it leads to
  // another one with the same store's id (restored, mounted again), that one is opened and
  // `reopened` set.
  Result<void> check(bool& reopened);

  [[nodiscard]] int kv() const { return kv_.get(); }

  [[nodiscard]] int meta() const { return meta_.get(); }

  [[nodiscard]] int tmp() const { return tmp_.get(); }

  [[nodiscard]] int sessions() const { return sessions_.get(); }

  [[nodiscard]] int lock() const { return lock_.get(); }

  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] std::string shown(std::string_view relative) const {
    return path_ + "/" + std::string(relative);
  }

  [[nodiscard]] std::string kv_path() const { return path_ + "/kv"; }

  [[nodiscard]] const std::string& id() const { return id_; }

  [[nodiscard]] bool created() const { return created_; }

 private:
  struct Place {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    bool operator==(const Place&) const = default;
  };

  Result<void> populate();
  Result<void> attach();
  [[nodiscard]] Error gone(const std::string& what, int number) const;
  static Result<Place> place_of(const std::string& path);

  std::string path_;
  std::string id_;
  UniqueFd root_;
  UniqueFd kv_;
  UniqueFd meta_;
  UniqueFd tmp_;
  UniqueFd sessions_;
  UniqueFd lock_;
  Place kv_place_;
  Place marker_place_;
  bool created_ = false;
};

}  // namespace vtepd::filestore
