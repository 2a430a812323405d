// SPDX-License-Identifier: GPL-2.0-only
#include "consul/answer.h"

#include "consul/pair_object.h"
#include "consul/text.h"

#include <algorithm>
#include <utility>

namespace vtepd::consul {

namespace {

namespace json = simdjson::ondemand;

simdjson::error_code read_value(json::value field, std::string_view& value) {
  bool null = false;
  if (const auto error = field.is_null().get(null); error != simdjson::SUCCESS || null) {
    return error;
  }
  return field.get_string().get(value);
}

simdjson::error_code read_member(json::field field, PairView& pair) {
  std::string_view name;
  if (const auto error = field.unescaped_key().get(name); error != simdjson::SUCCESS) {
    return error;
  }
  if (name == "Key") {
    return field.value().get_string().get(pair.key);
  }
  if (name == "Value") {
    return read_value(field.value(), pair.value);
  }
  if (name == "ModifyIndex") {
    return field.value().get_uint64().get(pair.index);
  }
  return simdjson::SUCCESS;
}

}  // namespace

Failure garbage(std::string_view what) {
  return fail(ErrorKind::Unavailable, "the answer is not what Consul sends: " + std::string(what));
}

Failure garbage(simdjson::error_code error) {
  return garbage(simdjson::error_message(error));
}

Result<PairView> read_pair(json::object object) {
  PairView pair;
  for (auto member : object) {
    json::field field;
    auto error = std::move(member).get(field);
    if (error == simdjson::SUCCESS) {
      error = read_member(field, pair);
    }
    if (error != simdjson::SUCCESS) {
      return garbage(error);
    }
  }
  if (pair.key.empty() || pair.index == 0) {
    return garbage("a pair without a key or a ModifyIndex");
  }
  return pair;
}

namespace {

Result<std::vector<PairView>> read_array(json::array array, bool wrapped) {
  std::vector<PairView> pairs;
  for (auto element : array) {
    json::object object;
    const auto error =
        wrapped ? element["KV"].get_object().get(object) : element.get_object().get(object);
    if (error != simdjson::SUCCESS) {
      return garbage(error);
    }
    auto pair = read_pair(object);
    if (!pair) {
      return fail(pair.error());
    }
    pairs.push_back(*pair);
  }
  return pairs;
}

Result<void> sort_and_check(std::vector<PairView>& pairs, std::string_view prefix) {
  const auto by_key = [](const PairView& a, const PairView& b) { return a.key < b.key; };
  if (!std::is_sorted(pairs.begin(), pairs.end(), by_key)) {
    std::sort(pairs.begin(), pairs.end(), by_key);
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!pairs[i].key.starts_with(prefix)) {
      return garbage("the key '" + shown(pairs[i].key) + "' was not asked for");
    }
    if (i > 0 && pairs[i].key == pairs[i - 1].key) {
      return garbage("the key '" + shown(pairs[i].key) + "' comes twice");
    }
  }
  return {};
}

}  // namespace

struct PairReader::State {
  json::parser parser;
  Bytes body;

  Result<std::vector<PairView>> read(Bytes bytes, std::string_view prefix, bool transaction) {
    body = std::move(bytes);
    const auto size = body.size();
    // The parser reads, but does not use, what stands behind the end.
    body.resize(size + simdjson::SIMDJSON_PADDING, ' ');
    json::document document;
    auto error = parser.iterate(body.data(), size, body.size()).get(document);
    json::array array;
    if (error == simdjson::SUCCESS) {
      error = transaction ? document["Results"].get_array().get(array)
                          : document.get_array().get(array);
    }
    if (error != simdjson::SUCCESS) {
      return garbage(error);
    }
    auto pairs = read_array(array, transaction);
    if (!pairs) {
      return pairs;
    }
    if (!transaction && document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      return garbage("something follows the end of the list");
    }
    if (auto good = sort_and_check(*pairs, prefix); !good) {
      return fail(good.error());
    }
    return pairs;
  }
};

PairReader::PairReader() : state_(std::make_unique<State>()) {}

PairReader::~PairReader() = default;

Result<std::vector<PairView>> PairReader::read(Bytes body, std::string_view prefix) {
  return state_->read(std::move(body), prefix, false);
}

Result<std::vector<PairView>> PairReader::read_transaction(Bytes body, std::string_view prefix) {
  return state_->read(std::move(body), prefix, true);
}

Result<std::string> PairView::decoded() const {
  auto bytes = decode_base64(value);
  if (!bytes) {
    return garbage("the value of '" + shown(key) + "' is no base64");
  }
  return std::move(*bytes);
}

Result<std::vector<KvPair>> decode_all(const std::vector<PairView>& views) {
  std::vector<KvPair> pairs;
  pairs.reserve(views.size());
  for (const auto& view : views) {
    auto value = view.decoded();
    if (!value) {
      return fail(value.error());
    }
    pairs.push_back({std::string(view.key), std::move(*value), view.index});
  }
  return pairs;
}

Result<bool> read_boolean(const Bytes& body) {
  const std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
  const auto word = text.substr(0, text.find_last_not_of(" \r\n\t") + 1);
  if (word == "true" || word == "false") {
    return word == "true";
  }
  return garbage("'" + shown(text) + "' is neither true nor false");
}

Result<std::string> read_session_id(const Bytes& body) {
  simdjson::dom::parser parser;
  std::string_view id;
  const auto error = parser.parse(body.data(), body.size())["ID"].get_string().get(id);
  if (error != simdjson::SUCCESS || id.empty()) {
    return garbage("a session without an ID");
  }
  return std::string(id);
}

bool is_conflict(const Bytes& body) {
  simdjson::dom::parser parser;
  simdjson::dom::array errors;
  if (parser.parse(body.data(), body.size())["Errors"].get_array().get(errors) !=
          simdjson::SUCCESS ||
      errors.size() == 0) {
    return false;
  }
  // The steps after it are tried and refused, too.
  return std::any_of(errors.begin(), errors.end(), [](simdjson::dom::element element) {
    std::uint64_t step = 1;
    std::string_view what;
    return element["OpIndex"].get_uint64().get(step) == simdjson::SUCCESS && step == 0 &&
           element["What"].get_string().get(what) == simdjson::SUCCESS &&
           (what.ends_with("index is stale") || what.ends_with("exists") ||
            what.ends_with("doesn't exist") ||
            what.find("current modify index") != std::string_view::npos);
  });
}

}  // namespace vtepd::consul
