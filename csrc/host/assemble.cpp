// The op `assemble`: makes the recipe of each draw from a program.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <limits>
#include <vector>

#include "host/arguments.h"
#include "host/assemble.h"

namespace gpuaug {
namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

Column::Type type_of(const Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case ScalarType::Double:
      return Column::Type::kDouble;
    case ScalarType::Long:
      return Column::Type::kInt64;
    case ScalarType::Float:
      return Column::Type::kFloat;
    case ScalarType::Bool:
      return Column::Type::kBool;
    default:
      STD_TORCH_CHECK(false, "columns must be float64, int64, float32 or bool");
      return Column::Type::kDouble;
  }
}

// The columns of tensors (n) and (n, k), numbered consecutively; one row may stand for n.
class ProgramColumns {
 public:
  ProgramColumns(const std::vector<Tensor>& tensors, int64_t draws) {
    groups_.reserve(tensors.size());
    for (const auto& tensor : tensors) {
      const int64_t dim = tensor.dim();
      STD_TORCH_CHECK((dim == 1 || dim == 2) && (tensor.size(0) == draws || tensor.size(0) == 1),
                      "columns must be (n) or (n, k), for the n of ", draws, " draws");
      check_memory(tensor, "columns");
      const auto type = type_of(tensor);
      const int64_t count = dim == 1 ? 1 : tensor.size(1);
      Group group{end_, {static_cast<const char*>(tensor.const_data_ptr()), 0, type}, 0};
      if (tensor.numel() > 0) {  // an empty tensor may have any strides
        const auto bytes = static_cast<int64_t>(tensor.element_size());
        if (tensor.size(0) > 1) group.first.step = tensor.stride(0) * bytes;
        if (count > 1) group.next = tensor.stride(1) * bytes;
      }
      STD_TORCH_CHECK(count <= std::numeric_limits<int64_t>::max() - end_, "columns must be fewer than 2**63");
      end_ += count;
      groups_.push_back(group);
    }
  }

  int64_t count() const { return end_; }

  // The column of a number in [0, count()). No list of columns is made, as an expanded tensor may have any number.
  Column operator[](int64_t number) const {
    const auto after = [](int64_t of, const Group& group) { return of < group.begin; };
    const Group& group = *std::prev(std::upper_bound(groups_.begin(), groups_.end(), number, after));
    Column column = group.first;
    column.data += (number - group.begin) * group.next;
    return column;
  }

 private:
  struct Group {
    int64_t begin;  // the number of its first column
    Column first;
    int64_t next;  // bytes from a column to the next
  };

  std::vector<Group> groups_;
  int64_t end_ = 0;
};

// The entries of a program's code: their begins, opcodes, and for kWords the words that they write.
struct CodeEntry {
  Opcode opcode;
  size_t begin;     // the place of its first operand in the code
  int64_t skipped;  // places after the first operand that hold no operands
  int64_t operands;
  int64_t bit = 0, first = 0, count = 0;
};

std::vector<CodeEntry> entries_of(const std::vector<int64_t>& code) {
  std::vector<CodeEntry> entries;
  STD_TORCH_CHECK(code.size() >= 4, "code must begin with four operands");
  for (size_t position = 4; position < code.size();) {
    const int64_t opcode = code[position++];
    STD_TORCH_CHECK(opcode >= 0 && opcode < static_cast<int64_t>(std::size(kArity)), "code has no entry ", opcode);
    STD_TORCH_CHECK(position + kArity[opcode] <= code.size(), "code ends within an entry");
    CodeEntry entry{static_cast<Opcode>(opcode), position, 0, kArity[opcode]};
    position += kArity[opcode];
    if (entry.opcode == Opcode::kWords) {
      entry.bit = code[position - 3], entry.first = code[position - 2], entry.count = code[position - 1];
      constexpr auto kEnd = static_cast<int64_t>(kRecipeWords);
      STD_TORCH_CHECK(
          entry.first >= kFirstFree && entry.first <= kEnd && entry.count >= 0 && entry.count <= kEnd - entry.first,
          "code writes ", entry.count, " words from ", entry.first, " on, of those in [", kFirstFree, ", ", kEnd, ")");
      STD_TORCH_CHECK(position + entry.count <= code.size(), "code ends within an entry");
      entry.skipped = 3, entry.operands = 1 + entry.count;
      position += entry.count;
    }
    entries.push_back(entry);
  }
  return entries;
}

// The operand that a number of the code names: a column or a constant.
Column operand_of(int64_t operand, const ProgramColumns& columns, const std::vector<double>& constants) {
  if (operand >= 0) {
    STD_TORCH_CHECK(operand < columns.count(), "code names column ", operand, " of ", columns.count());
    return columns[operand];
  }
  STD_TORCH_CHECK(~operand < static_cast<int64_t>(constants.size()), "code names constant ", ~operand, " of ",
                  constants.size());
  return {reinterpret_cast<const char*>(&constants[~operand]), 0, Column::Type::kDouble};
}

}  // namespace

int64_t assemble_cpu(Tensor records, const std::vector<Tensor>& tensors, const std::vector<double>& constants,
                     const std::vector<int64_t>& code, int64_t height, int64_t width) {
  STD_TORCH_CHECK(records.scalar_type() == ScalarType::Long && records.dim() == 2 && records.is_contiguous() &&
                      records.size(1) == static_cast<int64_t>(kRecipeWords),
                  "records must be contiguous int64 (n, ", kRecipeWords, ")");
  check_memory(records, "records");
  const int64_t draws = records.size(0);
  const ProgramColumns columns(tensors, draws);
  const auto entries = entries_of(code);
  std::vector<Column> operands;
  operands.reserve(code.size());  // entries point into it
  const auto take = [&](size_t position) { operands.push_back(operand_of(code[position], columns, constants)); };
  for (size_t position = 0; position < 4; ++position) take(position);
  Program program{operands[0], operands[1], operands[2], operands[3], {}};
  for (const CodeEntry& entry : entries) {
    program.entries.push_back({entry.opcode, operands.data() + operands.size(), entry.bit, entry.first, entry.count});
    take(entry.begin);
    for (int64_t k = 1; k < entry.operands; ++k) take(entry.begin + static_cast<size_t>(entry.skipped + k));
  }
  auto* out = static_cast<Recipe*>(records.mutable_data_ptr());
  std::atomic<int64_t> all = 0;
  torch::stable::parallel_for(0, draws, 128, [&](int64_t begin, int64_t end) {
    int64_t stages = 0;
    for (int64_t draw = begin; draw < end; ++draw) {
      out[draw] = program(draw, width, height);
      stages |= out[draw].stages;
    }
    all |= stages;
  });
  return all;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) { library.impl("assemble", TORCH_BOX(&gpuaug::assemble_cpu)); }
