// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/unique_fd.h"
#include "nft/nflog.h"
#include "nft/table.h"
#include "ports/frame_filter.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

// The checks of the kernel data path by nftables: "table bridge vtepd" in the namespace of the
// bridges, "table ip vtepd-<instance>" (ip6 with an IPv6 VTEP) in the daemon's own. Both outlive
// the process: the next one takes them over as they are. A table of another version, or one whose
// rules somebody changed, reads back as empty and is replaced as a whole by the next apply().
// Prefixes are kept as networks, without host bits.
class NftFilter final : public FrameFilter {
 public:
  struct Options {
    std::string instance = "default";
    int hidden_netns = -1;      // of the bridges; used by open() only
    IpAddress vtep;             // ours
    std::uint16_t port = 4789;  // UDP; also the NFLOG group in both namespaces
  };

  // Errors: Unavailable, naming what this kernel lacks.
  static Result<std::unique_ptr<NftFilter>> open(const Options& options);
  // Takes the instance's tables out and says which. `hidden_netns` may be gone with its table.
  static Result<std::vector<std::string>> purge(const std::string& instance,
                                                std::optional<int> hidden_netns);

  // What the rules counted, for who only looks: makes nothing, listens to nothing.
  static Result<std::vector<ReasonCount>> read_counters(const Options& options);

  Result<FilterState> read_back() override;
  // A text that would take too long is several transactions, each of which has a port as a whole.
  // Errors: a table may have been changed where the other one was refused; apply it again.
  Result<void> apply(const FilterDelta& delta) override;
  Result<std::vector<ReasonCount>> counters() override;
  [[nodiscard]] int events_fd() const override;
  void consume(const OnEvent& take) override;

 private:
  NftFilter(nft::Table bridge, nft::Table underlay, nft::LogSocket announcements,
            nft::LogSocket strangers, UniqueFd epoll);

  Result<void> remove_vnis(const std::vector<Vni>& vnis);

  nft::Table bridge_;
  nft::Table underlay_;
  nft::LogSocket announcements_;
  nft::LogSocket strangers_;
  UniqueFd epoll_;
};

}  // namespace vtepd
