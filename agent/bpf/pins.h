// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// The folder of one instance in the BPF file system:
//   <bpffs>/vtepd/<instance>/v<ABI>/<map>        the maps in use
//   <bpffs>/vtepd/<instance>/v<ABI>_new/<map>    a set that is being filled
//   <bpffs>/vtepd/<instance>/v<ABI>_old/<map>    one that no program uses any more
//   <bpffs>/vtepd/<instance>/links/<attachment>
// Root's and 0700 throughout; a folder that isn't is refused, never put right.
class PinFolder {
 public:
  // Checks that `bpffs` is one, and the folders that exist. Creates nothing.
  static Result<PinFolder> find(const std::string& bpffs, const std::string& instance);

  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] std::string maps() const;
  [[nodiscard]] std::string new_maps() const;
  [[nodiscard]] std::string old_maps() const;

  [[nodiscard]] std::string links() const { return path_ + "/links"; }

  // Creates the instance's folder, links/ and those above.
  Result<void> create() const;
  [[nodiscard]] bool exists() const;
  // An earlier run made maps or attached programs.
  [[nodiscard]] bool used() const;
  // Folders of map sets, whatever their ABI: names like "v1", "v1_new".
  [[nodiscard]] std::vector<std::string> map_sets() const;
  // Without those that no start got to the end with.
  [[nodiscard]] std::vector<std::string> promoted_map_sets() const;
  // Kernel ids of all maps pinned in them.
  [[nodiscard]] std::set<std::uint32_t> map_ids() const;
  // Makes the new set the one in use. Whenever a run is killed in here, finish_promotion() of the
  // next one has the set that the programs use.
  Result<void> promote_new_maps() const;
  Result<void> finish_promotion() const;
  // Removes all sets but the one in use.
  Result<void> remove_other_maps() const;

 private:
  PinFolder(std::string root, std::string path) : root_(std::move(root)), path_(std::move(path)) {}

  std::string root_;
  std::string path_;
};

// Names in a folder, sorted; none if it is not there.
[[nodiscard]] std::vector<std::string> list_folder(const std::string& path);
Result<void> make_pin_folder(const std::string& path);
// Unlinks the pins in a folder, then the folder.
Result<void> remove_pin_folder(const std::string& path);
// The object pinned at `path`; an invalid descriptor if there is none.
Result<UniqueFd> open_pin(const std::string& path, bool read_only);
Result<void> pin_object(int fd, const std::string& path);
Result<void> remove_pin(const std::string& path);

}  // namespace vtepd
