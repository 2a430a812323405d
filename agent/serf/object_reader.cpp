// SPDX-License-Identifier: GPL-2.0-only
#include "serf/object_reader.h"

#include <cstdint>

#include <msgpack.hpp>

namespace vtepd::serf {

namespace {

// Follows the parser and stops it where an object grows over a limit.
class Measure : public msgpack::null_visitor {
 public:
  bool start_array(std::uint32_t count) { return enter(count); }

  bool start_map(std::uint32_t count) { return enter(std::uint64_t{2} * count); }

  bool end_array() {
    --depth_;
    return true;
  }

  bool end_map() {
    --depth_;
    return true;
  }

  void parse_error(std::size_t /*parsed*/, std::size_t /*place*/) { broken_ = true; }

  void insufficient_bytes(std::size_t /*parsed*/, std::size_t /*place*/) { incomplete_ = true; }

  [[nodiscard]] bool incomplete() const { return incomplete_; }

  [[nodiscard]] const char* trouble() const {
    return too_big_ ? "has more elements or depth than any frame" : "is not msgpack";
  }

  [[nodiscard]] bool failed() const { return too_big_ || broken_; }

 private:
  bool enter(std::uint64_t elements) {
    ++depth_;
    elements_ += elements;
    too_big_ =
        too_big_ || depth_ > ObjectReader::kMaxDepth || elements_ > ObjectReader::kMaxElements;
    return !too_big_;
  }

  std::size_t depth_ = 0;
  std::uint64_t elements_ = 0;
  bool too_big_ = false;
  bool broken_ = false;
  bool incomplete_ = false;
};

}  // namespace

Result<std::optional<std::string>> ObjectReader::next() {
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
    return std::nullopt;
  }
  Measure measure;
  std::size_t end = start_;
  const bool complete = msgpack::parse(buffer_.data(), buffer_.size(), end, measure);
  if (measure.failed() || (!complete && !measure.incomplete())) {
    return fail(ErrorKind::Invalid, std::string("a frame ") + measure.trouble());
  }
  // An incomplete object may grow up to the limit, a complete one may not be over it either.
  if ((complete ? end - start_ : buffered()) > kMaxBytes) {
    return fail(ErrorKind::Invalid,
                "a frame is larger than " + std::to_string(kMaxBytes) + " bytes");
  }
  if (!complete) {
    buffer_.erase(0, start_);
    start_ = 0;
    return std::nullopt;
  }
  std::string object = buffer_.substr(start_, end - start_);
  start_ = end;
  return object;
}

}  // namespace vtepd::serf
