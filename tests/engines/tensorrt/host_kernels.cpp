// The kernels of crops.cu on the host, behind the driver's calls that load and launch kernels.
// The source comes first: g++ -include host_cuda.h -DKERNELS='"crops.cu"'.

#include <cstdlib>
#include <cstring>
#include <utility>

#include KERNELS

namespace {

template <class... Parameters, std::size_t... Places>
void call(void (*kernel)(Parameters...), void **arguments, std::index_sequence<Places...>)
{
    kernel(*static_cast<Parameters *>(arguments[Places])...);
}

template <class... Parameters>
void run(void (*kernel)(Parameters...), void **arguments)
{
    for (blockIdx.y = 0; blockIdx.y < gridDim.y; ++blockIdx.y)
        for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x)
            for (threadIdx.x = 0; threadIdx.x < blockDim.x; ++threadIdx.x)
                call(kernel, arguments, std::index_sequence_for<Parameters...>{});
}

void run_cut(void **arguments) { run(cut, arguments); }
void run_fit(void **arguments) { run(fit, arguments); }
void run_planes(void **arguments) { run(planes, arguments); }

typedef void (*Run)(void **);
int modules;

}  // namespace

extern "C" {

int cuModuleLoadData(void **module, const void *code)
{
    if (std::strcmp(static_cast<const char *>(code), "host"))
        return 200;
    *module = &modules;
    ++modules;
    return 0;
}

int cuModuleUnload(void *)
{
    --modules;
    return 0;
}

int cuModuleGetFunction(void **function, void *, const char *name)
{
    const Run found = !std::strcmp(name, "cut")      ? run_cut
                      : !std::strcmp(name, "fit")    ? run_fit
                      : !std::strcmp(name, "planes") ? run_planes
                                                     : nullptr;
    *function = reinterpret_cast<void *>(found);
    return found ? 0 : 500;
}

int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                   unsigned block_y, unsigned block_z, unsigned shared_bytes, void *, void **arguments,
                   void **extra)
{
    if (!grid_x || !grid_y || grid_y > 65535 || grid_z != 1 || !block_x || block_x > 1024 ||
        block_y != 1 || block_z != 1 || shared_bytes || extra)
        return 1;
    gridDim.x = grid_x, gridDim.y = grid_y, blockDim.x = block_x;
    reinterpret_cast<Run>(function)(arguments);
    return 0;
}

int cuGetErrorString(int code, const char **text)
{
    *text = code == 200 ? "device kernel image is invalid" : code == 500 ? "named symbol not found" : "invalid argument";
    return 0;
}

int loaded_modules(void) { return modules; }
}
