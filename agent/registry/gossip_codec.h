// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/object_id.h"
#include "core/types.h"

#include <string>
#include <string_view>

namespace vtepd {

// The texts that Docker's classic overlay sends through Serf. Parsing is strict: tokens with one
// blank between them and nothing else; an error names the part that is wrong and its text.
//
// An address that is IPv6 has its mask in IPv6 text form, as Go prints a mask of 16 bytes. Docker
// 20.10 sends IPv4 only and has no use for others.

// A user event: an endpoint came or went. Name "jl <vtep> <nid> <eid>", payload
// "join|leave <ip> <mask> <mac>".
struct PeerEvent {
  static constexpr std::string_view kTag = "jl";
  bool join = true;
  IpAddress vtep;
  ObjectId network;
  ObjectId endpoint;
  IpPrefix address;  // with the length of its subnet
  MacAddress mac;

  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string payload() const;
  static Result<PeerEvent> parse(std::string_view name, std::string_view payload);
  bool operator==(const PeerEvent&) const = default;
};

// What dockerd learns by a lookup it keeps under the id "dummy", which no leave of the endpoint
// takes away; it goes before what joins later with the same address, so that its containers send to
// the old host for ever. This leave takes it away. No word about a VTEP is heard by the dockerd
// that has its address, and a dockerd looks up its own containers, too: it compares texts, so this
// one is v4-mapped.
struct LookupLeave {
  IpAddress vtep;
  ObjectId network;
  IpPrefix address;
  MacAddress mac;

  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string payload() const;
  // Whether an event is one of these: of no account to vtepd, which keeps no such entries.
  static bool is_name(std::string_view name);
};

// The query "peerlookup" with payload "<nid> <ip>": who has this address?
struct PeerLookup {
  static constexpr std::string_view kName = "peerlookup";
  ObjectId network;
  IpAddress address;

  [[nodiscard]] std::string payload() const;
  static Result<PeerLookup> parse(std::string_view payload);
  bool operator==(const PeerLookup&) const = default;
};

// Its answer: "<mac> <mask> <vtep>". The mask belongs to the address that was asked for.
struct PeerAnswer {
  MacAddress mac;
  IpPrefix address;
  IpAddress vtep;

  [[nodiscard]] std::string payload() const;
  static Result<PeerAnswer> parse(const IpAddress& asked, std::string_view payload);
  bool operator==(const PeerAnswer&) const = default;
};

}  // namespace vtepd
