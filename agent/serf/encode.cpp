// SPDX-License-Identifier: GPL-2.0-only
#include "serf/encode.h"

#include <chrono>

#include <msgpack.hpp>

namespace vtepd::serf {

namespace {

// A map of known size, written field by field.
class Map {
 public:
  explicit Map(std::uint32_t fields) { packer_.pack_map(fields); }

  Map& text(std::string_view key, std::string_view value) {
    name(key);
    name(value);
    return *this;
  }

  Map& bytes(std::string_view key, std::string_view value) {
    name(key);
    packer_.pack_bin(static_cast<std::uint32_t>(value.size()));
    packer_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
    return *this;
  }

  template <typename T>
  Map& value(std::string_view key, T plain) {
    name(key);
    packer_.pack(plain);
    return *this;
  }

  Map& list(std::string_view key, const std::vector<std::string>& values) {
    name(key);
    packer_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const auto& each : values) {
      name(each);
    }
    return *this;
  }

  [[nodiscard]] std::string take() const { return {buffer_.data(), buffer_.size()}; }

 private:
  void name(std::string_view text) {
    packer_.pack_str(static_cast<std::uint32_t>(text.size()));
    packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
  }

  msgpack::sbuffer buffer_;
  msgpack::packer<msgpack::sbuffer> packer_{buffer_};
};

}  // namespace

std::string encode_header(std::string_view command, std::uint64_t seq) {
  return Map(2).text("Command", command).value("Seq", seq).take();
}

std::string handshake_body() {
  return Map(1).value("Version", 1).take();
}

std::string auth_body(const std::string& key) {
  return Map(1).text("AuthKey", key).take();
}

std::string stream_body(const std::string& filter) {
  return Map(1).text("Type", filter).take();
}

std::string event_body(const GossipEvent& event) {
  return Map(3)
      .text("Name", event.name)
      .bytes("Payload", event.payload)
      .value("Coalesce", event.coalesce)
      .take();
}

std::string query_body(const GossipQuery& query) {
  const auto timeout = std::chrono::duration_cast<std::chrono::nanoseconds>(query.timeout);
  return Map(4)
      .value("RequestAck", query.request_ack)
      .value("Timeout", static_cast<std::int64_t>(timeout.count()))
      .text("Name", query.name)
      .bytes("Payload", query.payload)
      .take();
}

std::string respond_body(std::uint64_t id, const std::string& payload) {
  return Map(2).value("ID", id).bytes("Payload", payload).take();
}

std::string join_body(const std::string& address) {
  return Map(2).list("Existing", {address}).value("Replay", false).take();
}

}  // namespace vtepd::serf
