// Runs one thread of a translated kernel, `probe`, and prints the words that it writes to its only parameter.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "ptx.h"

void ptx::barrier() {}
void probe(const ptx::Thread&);

int main(int, char** arguments) {
  struct alignas(16) Words {
    uint64_t pair[2];
  };
  std::vector<Words> words(static_cast<size_t>(std::atoi(arguments[1]) + 1) / 2);
  std::vector<Words> shared(4);
  void* out = words.data();
  probe({{reinterpret_cast<const unsigned char*>(&out), nullptr},
         reinterpret_cast<unsigned char*>(shared.data()),
         5,
         6,
         7});
  for (const Words& two : words) {
    for (const uint64_t word : two.pair) std::printf("%llx\n", static_cast<unsigned long long>(word));
  }
  std::printf("%llu instructions\n", static_cast<unsigned long long>(ptx::executed_instructions));
}
