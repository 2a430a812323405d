// SPDX-License-Identifier: GPL-2.0-only
#include "serf/decode.h"

#include "base/first_error.h"
#include "serf/object_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include <msgpack.hpp>

namespace vtepd::serf {

namespace {

using msgpack::object;
namespace type = msgpack::type;

Failure wrong(std::string_view what, std::string_view field, std::string_view why) {
  return fail(ErrorKind::Invalid,
              std::string(what) + ": field '" + std::string(field) + "' " + std::string(why));
}

std::optional<std::string_view> as_text(const object& value) {
  switch (value.type) {
    case type::STR:
      return std::string_view(value.via.str.ptr, value.via.str.size);
    case type::BIN:
      return std::string_view(value.via.bin.ptr, value.via.bin.size);
    case type::NIL:  // Go's empty slice
      return std::string_view();
    default:
      return std::nullopt;
  }
}

// A map by its fields' names. Every read names the map and the field when it fails.
class Fields {
 public:
  Fields(std::string_view what, const object& map) : what_(what), map_(&map) {}

  Result<const object*> find(std::string_view key) const {
    for (std::uint32_t i = 0; i < map_->via.map.size; ++i) {
      const auto& entry = map_->via.map.ptr[i];
      if (as_text(entry.key) == key) {
        return &entry.val;
      }
    }
    return wrong(what_, key, "is missing");
  }

  Result<std::string> text(std::string_view key) const {
    const auto value = find(key);
    if (!value) {
      return fail(value.error());
    }
    const auto text = as_text(**value);
    return text ? Result<std::string>(std::string(*text)) : wrong(what_, key, "is no string");
  }

  Result<std::uint64_t> number(std::string_view key) const {
    const auto value = find(key);
    if (!value) {
      return fail(value.error());
    }
    if ((*value)->type != type::POSITIVE_INTEGER) {
      return wrong(what_, key, "is no number from 0 on");
    }
    return (*value)->via.u64;
  }

  [[nodiscard]] std::string_view what() const { return what_; }

 private:
  std::string_view what_;
  const object* map_;
};

// Keeps the object's memory while its fields are read.
class Document {
 public:
  static Result<Document> parse(std::string_view what, std::string_view bytes) {
    try {
      // ObjectReader has bounded the number of elements; the depth costs stack here.
      Document document(what,
                        msgpack::unpack(bytes.data(), bytes.size(), borrow, nullptr, limits()));
      if (document.handle_->type != type::MAP) {
        return fail(ErrorKind::Invalid, std::string(what) + " is no map");
      }
      return document;
    } catch (const msgpack::unpack_error&) {
      return fail(ErrorKind::Invalid, std::string(what) + " is not msgpack");
    }
  }

  [[nodiscard]] Fields fields() const { return {what_, handle_.get()}; }

 private:
  Document(std::string_view what, msgpack::object_handle handle)
      : what_(what), handle_(std::move(handle)) {}

  // Strings point into the caller's bytes, which outlive the document.
  static bool borrow(type::object_type /*type*/, std::size_t /*size*/, void* /*data*/) {
    return true;
  }

  static msgpack::unpack_limit limits() {
    const auto elements = ObjectReader::kMaxElements;
    const auto bytes = ObjectReader::kMaxBytes;
    return {elements, elements, bytes, bytes, bytes, ObjectReader::kMaxDepth};
  }

  std::string_view what_;
  msgpack::object_handle handle_;
};

Result<IpAddress> as_address(std::string_view bytes) {
  std::array<std::uint8_t, 16> wire{};
  if (bytes.size() == 4) {
    wire[10] = wire[11] = 0xff;
    std::memcpy(wire.data() + 12, bytes.data(), 4);
  } else if (bytes.size() == wire.size()) {
    std::memcpy(wire.data(), bytes.data(), wire.size());
  } else {
    return wrong("member", "Addr", "is not of 4 or 16 bytes");
  }
  return IpAddress::v6(wire);
}

Result<GossipMember> read_member(const object& value) {
  if (value.type != type::MAP) {
    return fail(ErrorKind::Invalid, "a member is no map");
  }
  const Fields fields("member", value);
  auto name = fields.text("Name");
  const auto address = fields.text("Addr");
  const auto port = fields.number("Port");
  auto status = fields.text("Status");
  if (const Error* error = first_error(name, address, port, status)) {
    return fail(*error);
  }
  const auto parsed = as_address(*address);
  if (!parsed) {
    return fail(parsed.error());
  }
  if (*port > 0xffff) {
    return wrong("member", "Port", "is over 65535");
  }
  return GossipMember{std::move(*name), *parsed, static_cast<std::uint16_t>(*port),
                      std::move(*status)};
}

Result<std::vector<GossipMember>> read_members(const Fields& fields) {
  const auto list = fields.find("Members");
  if (!list) {
    return fail(list.error());
  }
  std::vector<GossipMember> members;
  if ((*list)->type == type::NIL) {
    return members;
  }
  if ((*list)->type != type::ARRAY) {
    return wrong(fields.what(), "Members", "is no list");
  }
  for (std::uint32_t i = 0; i < (*list)->via.array.size; ++i) {
    auto member = read_member((*list)->via.array.ptr[i]);
    if (!member) {
      return fail(member.error());
    }
    members.push_back(std::move(*member));
  }
  return members;
}

constexpr std::array<std::pair<std::string_view, GossipNotice::Kind>, 7> kKinds{{
    {"user", GossipNotice::Kind::Event},
    {"query", GossipNotice::Kind::Query},
    {"member-join", GossipNotice::Kind::MemberJoin},
    {"member-leave", GossipNotice::Kind::MemberLeave},
    {"member-failed", GossipNotice::Kind::MemberFailed},
    {"member-update", GossipNotice::Kind::MemberUpdate},
    {"member-reap", GossipNotice::Kind::MemberReap},
}};

Result<GossipNotice> read_message(const Fields& fields, GossipNotice::Kind kind) {
  GossipNotice notice;
  notice.kind = kind;
  auto name = fields.text("Name");
  auto payload = fields.text("Payload");
  const auto ltime = fields.number("LTime");
  const auto id = kind == GossipNotice::Kind::Query ? fields.number("ID") : 0;
  if (const Error* error = first_error(name, payload, ltime, id)) {
    return fail(*error);
  }
  notice.name = std::move(*name);
  notice.payload = std::move(*payload);
  notice.ltime = *ltime;
  notice.query.id = *id;
  return notice;
}

}  // namespace

Result<ResponseHeader> decode_header(std::string_view bytes) {
  const auto document = Document::parse("header", bytes);
  if (!document) {
    return fail(document.error());
  }
  const auto seq = document->fields().number("Seq");
  if (!seq) {
    return fail(seq.error());
  }
  auto error = document->fields().text("Error");
  if (!error) {
    return fail(error.error());
  }
  return ResponseHeader{*seq, std::move(*error)};
}

Result<GossipNotice> decode_record(std::string_view bytes) {
  const auto document = Document::parse("record", bytes);
  if (!document) {
    return fail(document.error());
  }
  const Fields fields = document->fields();
  const auto event = fields.text("Event");
  if (!event) {
    return fail(event.error());
  }
  const auto* known = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&](const auto& entry) { return entry.first == *event; });
  if (known == kKinds.end()) {
    return wrong("record", "Event", "is of no kind that was asked for");
  }
  if (known->second == GossipNotice::Kind::Event || known->second == GossipNotice::Kind::Query) {
    return read_message(fields, known->second);
  }
  auto members = read_members(fields);
  if (!members) {
    return fail(members.error());
  }
  GossipNotice notice;
  notice.kind = known->second;
  notice.members = std::move(*members);
  return notice;
}

Result<QueryRecord> decode_query_record(std::string_view bytes) {
  const auto document = Document::parse("query record", bytes);
  if (!document) {
    return fail(document.error());
  }
  const Fields fields = document->fields();
  const auto kind = fields.text("Type");
  auto from = fields.text("From");
  auto payload = fields.text("Payload");
  if (const Error* error = first_error(kind, from, payload)) {
    return fail(*error);
  }
  if (*kind != "ack" && *kind != "response" && *kind != "done") {
    return wrong("query record", "Type", "is none of 'ack', 'response' and 'done'");
  }
  const auto of = *kind == "ack"        ? QueryRecord::Kind::Ack
                  : *kind == "response" ? QueryRecord::Kind::Response
                                        : QueryRecord::Kind::Done;
  return QueryRecord{of, std::move(*from), std::move(*payload)};
}

Result<std::vector<GossipMember>> decode_members(std::string_view bytes) {
  const auto document = Document::parse("members", bytes);
  return document ? read_members(document->fields()) : fail(document.error());
}

Result<std::size_t> decode_join(std::string_view bytes) {
  const auto document = Document::parse("join", bytes);
  return document ? Result<std::size_t>(document->fields().number("Num")) : fail(document.error());
}

}  // namespace vtepd::serf
