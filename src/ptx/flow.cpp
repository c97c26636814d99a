#include "ptx/flow.h"

#include <algorithm>

namespace intarsia::ptx {
namespace {

bool synchronises(const Instruction& in) {
  return in.opcode == "bar" || in.opcode == "barrier" || in.opcode == "shfl" || in.opcode == "vote" ||
         in.opcode == "match" || in.opcode == "redux" || in.opcode == "elect" || in.opcode == "mma" ||
         in.opcode == "wmma" || in.opcode == "ldmatrix" || in.opcode == "stmatrix" ||
         in.opcode == "movmatrix" || in.opcode == "wgmma" || in.opcode == "mbarrier";
}
bool ends_block(const Instruction& in) {
  return in.opcode == "bra" || in.opcode == "brx" || in.opcode == "ret" || in.opcode == "exit" ||
         in.opcode == "call" || in.opcode == "trap" || synchronises(in);
}

struct Graph {
  std::vector<std::size_t> first;                // block -> its first instruction
  std::vector<std::uint32_t> block;              // instruction -> block
  std::vector<std::vector<std::uint32_t>> next;  // block -> successors
};

std::vector<std::int32_t> targets_of(const Function& f, const Instruction& in) {
  if (in.opcode == "bra" && !in.operands.empty()) return {in.operands[0].index};
  if (in.opcode == "brx" && in.operands.size() > 1)
    if (const auto found = f.branch_targets.find(in.operands[1].name); found != f.branch_targets.end())
      return found->second;
  return {};
}

std::vector<bool> leaders(const Function& f) {
  std::vector<bool> out(f.body.size() + 1, false);
  out[0] = true;
  for (std::size_t i = 0; i < f.body.size(); ++i) {
    if (synchronises(f.body[i])) out[i] = true;
    if (ends_block(f.body[i])) out[i + 1] = true;
    for (std::int32_t t : targets_of(f, f.body[i])) out[static_cast<std::size_t>(t)] = true;
  }
  return out;
}

// The end of the body is a block of its own: the implicit return.
Graph graph_of(const Function& f, const std::vector<bool>& leader) {
  Graph g;
  for (std::size_t i = 0; i < leader.size(); ++i) {
    if (leader[i]) g.first.push_back(i);
    g.block.push_back(static_cast<std::uint32_t>(g.first.size()) - 1);
  }
  g.next.resize(g.first.size());
  for (std::size_t b = 0; b < g.first.size(); ++b) {
    const std::size_t end = b + 1 < g.first.size() ? g.first[b + 1] : leader.size();
    if (end - 1 >= f.body.size()) continue;
    const Instruction& last = f.body[end - 1];
    for (std::int32_t t : targets_of(f, last)) g.next[b].push_back(g.block[static_cast<std::size_t>(t)]);
    const bool leaves =
        last.opcode == "bra" || last.opcode == "brx" || last.opcode == "ret" || last.opcode == "exit";
    if (!leaves || last.guard >= 0) g.next[b].push_back(static_cast<std::uint32_t>(b) + 1);
  }
  return g;
}

// Strongly connected components of a part of the graph, in reverse topological order (Tarjan, without
// recursion).
class Components {
 public:
  Components(const Graph& graph, std::vector<std::uint32_t>& region) : graph_(graph), region_(region) {
    index_.resize(graph.next.size());
    low_.resize(graph.next.size());
    on_stack_.resize(graph.next.size());
  }

  // Nodes of `region` number `id`; edges into `head` do not count.
  std::vector<std::vector<std::uint32_t>> run(const std::vector<std::uint32_t>& nodes, std::uint32_t id) {
    std::vector<std::vector<std::uint32_t>> out;
    for (std::uint32_t n : nodes) index_[n] = 0;
    counter_ = 0;
    for (std::uint32_t n : nodes)
      if (index_[n] == 0) visit(n, id, out);
    return out;
  }

 private:
  void visit(std::uint32_t root, std::uint32_t id, std::vector<std::vector<std::uint32_t>>& out) {
    std::vector<std::pair<std::uint32_t, std::size_t>> calls{{root, 0}};
    enter(root);
    while (!calls.empty()) {
      auto& [node, at] = calls.back();
      if (at < graph_.next[node].size()) {
        const std::uint32_t to = graph_.next[node][at++];
        if (region_[to] != id) continue;
        if (index_[to] == 0) {
          enter(to);
          calls.emplace_back(to, 0);
        } else if (on_stack_[to]) {
          low_[node] = std::min(low_[node], index_[to]);
        }
        continue;
      }
      const std::uint32_t done = node;
      calls.pop_back();
      if (!calls.empty()) low_[calls.back().first] = std::min(low_[calls.back().first], low_[done]);
      if (low_[done] == index_[done]) pop(done, out);
    }
  }

  void enter(std::uint32_t node) {
    index_[node] = low_[node] = ++counter_;
    on_stack_[node] = true;
    stack_.push_back(node);
  }

  void pop(std::uint32_t root, std::vector<std::vector<std::uint32_t>>& out) {
    std::vector<std::uint32_t>& component = out.emplace_back();
    for (std::uint32_t node = ~root; node != root;) {
      node = stack_.back();
      stack_.pop_back();
      on_stack_[node] = false;
      component.push_back(node);
    }
  }

  const Graph& graph_;
  std::vector<std::uint32_t>& region_;
  std::vector<std::uint32_t> index_, low_, stack_;
  std::vector<bool> on_stack_;
  std::uint32_t counter_ = 0;
};

std::vector<std::uint32_t> weak_order(const Graph& graph) {
  std::vector<std::uint32_t> order(graph.next.size(), 0), region(graph.next.size(), 0),
      all(graph.next.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint32_t>(i);
  Components components(graph, region);
  std::vector<std::vector<std::uint32_t>> work;  // loops not yet taken apart; the last is next in order
  std::uint32_t position = 0, regions = 0;
  const auto expand = [&](std::vector<std::uint32_t> nodes) {
    const std::uint32_t id = ++regions;
    for (std::uint32_t n : nodes) region[n] = id;
    for (auto& component : components.run(nodes, id)) work.push_back(std::move(component));
  };
  expand(all);
  while (!work.empty()) {
    std::vector<std::uint32_t> component = std::move(work.back());
    work.pop_back();
    // The head is the block that stands first in the text: compilers put a loop's entry there.
    const auto head = std::min_element(component.begin(), component.end());
    order[*head] = position++;
    region[*head] = 0;
    component.erase(head);
    if (!component.empty()) {
      std::sort(component.begin(), component.end());
      expand(std::move(component));
    }
  }
  return order;
}

}  // namespace

FlowOrder flow_order(const Function& function) {
  FlowOrder out;
  out.leader = leaders(function);
  const Graph graph = graph_of(function, out.leader);
  const std::vector<std::uint32_t> order = weak_order(graph);
  for (std::uint32_t block : graph.block) out.order.push_back(order[block]);
  return out;
}

}  // namespace intarsia::ptx
