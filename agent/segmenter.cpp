// SPDX-License-Identifier: GPL-2.0-only
#include "segmenter.h"

#include "bpf/bpf_dataplane.h"
#include "vtepd/reasons.h"

#include <spdlog/spdlog.h>

namespace vtepd {

Result<void> Segmenter::make() {
  if (!pair_) {
    auto opened = netlink::SegmentPair::open(port_);
    if (!opened) {
      return fail(opened.error());
    }
    pair_.emplace(std::move(*opened));
  }
  const auto ends = pair_->create();
  if (!ends) {
    return fail(ends.error());
  }
  if (auto attached = dataplane_.attach_segment_pair(ends->sending, ends->receiving); !attached) {
    return attached;
  }
  if (auto up = pair_->set_up(); !up) {
    return up;
  }
  const auto used = dataplane_.use_segment_pair(ends->sending);
  if (!used) {
    return fail(used.error());
  }
  ends_ = *ends;
  problem_.clear();
  return {};
}

// Once for each problem, not with each attempt.
void Segmenter::give_up(const Error& error) {
  ends_ = {};
  (void)dataplane_.use_segment_pair({});
  if (problem_ != error.what) {
    spdlog::warn("endpoints cannot forward frames that the kernel merged in a tunnel: {}",
                 error.what);
  }
  problem_ = error.what;
}

void Segmenter::start() {
  if (const auto made = make(); !made) {
    give_up(made.error());
  }
}

std::vector<std::string> Segmenter::verify() {
  const auto there = pair_ ? pair_->find_working() : fail(ErrorKind::NotFound, "");
  if (there && *there == ends_) {
    const auto changed = dataplane_.use_segment_pair(ends_.sending);
    return changed && *changed ? std::vector<std::string>{"vtep_seg named another device"}
                               : std::vector<std::string>{};
  }
  if (const auto made = make(); !made) {
    give_up(made.error());
    return {};
  }
  return {"the pair " + pair_->name() + " that cuts frames up was deleted or changed"};
}

std::string Segmenter::describe() {
  if (!pair_ || !problem_.empty()) {
    return "none, such frames are dropped: " + problem_;
  }
  std::uint64_t frames = 0;
  if (const auto counters = dataplane_.counters()) {
    for (const auto& row : *counters) {
      frames += row.reason == VTEP_SEGMENTED ? row.packets : 0;
    }
  }
  const auto lost = pair_->lost();
  return "pair " + pair_->name() + " (" + std::to_string(frames) + " frames cut up, " +
         (lost ? std::to_string(*lost) : "unknown number of") + " packets lost in it)";
}

}  // namespace vtepd
