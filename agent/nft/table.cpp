// SPDX-License-Identifier: GPL-2.0-only
#include "nft/table.h"

#include "nft/numbers.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace vtepd::nft {

namespace {

// A longer text takes libnftables and the kernel too long while nothing else is done.
constexpr std::size_t kMaxElements = 8000;
constexpr int kMostReads = 5;

std::size_t size_of(const Change& change) {
  return change.remove.size() + change.put.size();
}

void append(Change& to, const Change& more) {
  to.remove.insert(to.remove.end(), more.remove.begin(), more.remove.end());
  to.put.insert(more.put.begin(), more.put.end());
}

// As few as there may be, without splitting any.
std::vector<Change> gather(const std::vector<Change>& changes) {
  std::vector<Change> gathered;
  for (const auto& change : changes) {
    if (size_of(change) == 0) {
      continue;
    }
    if (gathered.empty() || size_of(gathered.back()) + size_of(change) > kMaxElements) {
      gathered.emplace_back();
    }
    append(gathered.back(), change);
  }
  return gathered;
}

// "<verb> element <table> <set> { a, b }" for each set.
std::string command(std::string_view verb, const std::string& table,
                    const std::map<std::string, std::string>& lists) {
  std::string text;
  for (const auto& [set, list] : lists) {
    text.append(verb).append(" element ").append(table).append(" ").append(set);
    text.append(" { ").append(list).append(" }\n");
  }
  return text;
}

}  // namespace

Table::Table(Context context, Layout layout)
    : context_(std::move(context)), layout_(std::move(layout)) {}

std::string Table::marker(std::uint64_t rules) const {
  return "layout_" + hex(hash_bytes(layout_.text.data(), layout_.text.size())).substr(2) + "_" +
         hex(rules).substr(2);
}

// The kernel hands a large set on in parts, and goes on behind as many elements as it has handed
// on. While it lays the set out anew, which it does some moments after many were added or removed,
// others are behind those, and some are missed. So only what is known already, or was read twice,
// is believed.
Result<void> Table::read() {
  Elements expected = std::move(elements_);
  for (int i = 0; i < kMostReads; ++i) {
    if (auto done = read_once(); !done) {
      return done;
    }
    if (!whole_ || elements_ == expected) {
      break;
    }
    expected = elements_;
  }
  return {};
}

Result<void> Table::read_once() {
  whole_ = false;
  elements_.clear();
  const auto generation = context_.generation();
  if (!generation) {
    return fail(generation.error());
  }
  generation_ = *generation;
  const auto json =
      context_.list("read " + layout_.title(), "list table " + layout_.family + " " + layout_.name);
  if (!json) {
    return json.error().kind == ErrorKind::NotFound ? Result<void>() : fail(json.error());
  }
  auto listing = parse_listing(*json);
  if (!listing) {
    return fail(listing.error().context("read " + layout_.title()));
  }
  const auto wanted = marker(listing->rules);
  whole_ = std::any_of(listing->counts.begin(), listing->counts.end(),
                       [&](const auto& count) { return count.first == wanted; });
  if (whole_) {
    elements_ = std::move(listing->elements);
  }
  return {};
}

Result<void> Table::open() {
  if (auto read_it = read(); !read_it || whole_) {
    return read_it;
  }
  const auto there = context_.list("find " + layout_.title(), "list tables " + layout_.family);
  if (!there) {
    return fail(there.error());
  }
  const auto tables = parse_tables(*there);
  if (!tables) {
    return fail(tables.error());
  }
  // One that is not whole still guards; change() replaces it when it is known what by.
  const std::pair own(layout_.family, layout_.name);
  return std::find(tables->begin(), tables->end(), own) == tables->end() ? carry_out({})
                                                                         : Result<void>();
}

std::string Table::render_key(const ElementKey& element) const {
  if (!layout_.named_elements) {
    return element.key;
  }
  const auto end = std::min(element.key.find(' '), element.key.size());
  return "\"" + element.key.substr(0, end) + "\"" + element.key.substr(end);
}

std::string Table::render(const Change& change) const {
  std::map<std::string, std::string> gone;
  std::map<std::string, std::string> put;
  for (const auto& key : change.remove) {
    auto& list = gone[key.set];
    list += (list.empty() ? "" : ", ") + render_key(key);
  }
  for (const auto& [key, value] : change.put) {
    auto& list = put[key.set];
    list += (list.empty() ? "" : ", ") + render_key(key) + (value.empty() ? "" : " : " + value);
  }
  const std::string table = layout_.family + " " + layout_.name;
  return command("delete", table, gone) + command("add", table, put);
}

// Writes down how the kernel has the rules that were just made.
Result<void> Table::seal() {
  const std::string table = layout_.family + " " + layout_.name;
  const auto json = context_.list("read " + layout_.title(), "list table " + table);
  const auto listing = json ? parse_listing(*json) : Result<Listing>(fail(json.error()));
  if (!listing) {
    elements_.clear();
    return fail(listing.error());
  }
  auto sealed = run("add counter " + table + " " + marker(listing->rules));
  whole_ = sealed.has_value();
  if (!whole_) {
    elements_.clear();
  }
  return sealed;
}

Result<void> Table::carry_out(const std::vector<Change>& changes) {
  auto gathered = gather(changes);
  const bool make = !whole_;
  if (make && gathered.empty()) {
    gathered.emplace_back();
  }
  for (std::size_t i = 0; i < gathered.size(); ++i) {
    std::string text = render(gathered[i]);
    if (make && i == 0) {
      // Deleting one that is not there would be an error, adding one that is there is none.
      text.insert(0,
                  "add " + layout_.title() + "\ndelete " + layout_.title() + "\n" + layout_.text);
    }
    if (auto done = run(text); !done) {
      return done;
    }
    for (const auto& key : gathered[i].remove) {
      elements_.erase(key);
    }
    for (const auto& [key, value] : gathered[i].put) {
      elements_[key] = value;
    }
  }
  return make ? seal() : Result<void>();
}

// Where others change something at the same time, the numbers differ from then on until the next
// read().
Result<void> Table::run(const std::string& commands) {
  auto done = context_.run("change " + layout_.title(), commands);
  generation_ += done ? 1U : 0U;
  return done;
}

Result<void> Table::change(const Plan& plan) {
  const auto generation = context_.generation();
  if (!generation) {
    return fail(generation.error());
  }
  if (*generation == generation_ && carry_out(plan(elements_))) {
    return {};
  }
  if (auto read_again = read(); !read_again) {
    return read_again;
  }
  return carry_out(plan(elements_));
}

// One set after the other: for a list of named counters libnftables reads the elements of all sets.
Result<std::vector<std::pair<std::string, Count>>> Table::counts() {
  std::vector<std::pair<std::string, Count>> counts;
  for (const auto& set : layout_.counted) {
    const std::string object = "set " + layout_.family + " " + layout_.name + " " + set;
    const auto json = context_.list("read " + object, "list " + object);
    auto listing = json ? parse_listing(*json) : Result<Listing>(fail(json.error()));
    if (!listing) {
      return fail(std::move(listing).error());
    }
    std::move(listing->counts.begin(), listing->counts.end(), std::back_inserter(counts));
  }
  return counts;
}

}  // namespace vtepd::nft
