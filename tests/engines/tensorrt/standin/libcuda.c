/* A stand-in for the NVIDIA driver's libcuda.so.1 in host memory, to test what uses it without a GPU.
 *
 * It is strict where the driver is, and stricter where the driver may let a fault pass:
 *   - a thread without a current context gets CUDA_ERROR_INVALID_CONTEXT;
 *   - what is put on a stream runs when somebody waits for that stream, and not before, so results
 *     that are read too early, and buffers that are overwritten too early, are seen;
 *   - copies outside of live blocks are illegal addresses, which no later call gets over;
 *   - allocating, freeing or waiting while the thread records a graph spoils the recording.
 *
 * There are no GPU kernels. A test hands functions to standin_launch; a recorded graph holds them,
 * and calls them at each launch.
 *
 * Environment, read by cuInit: STANDIN_INIT (what cuInit returns), STANDIN_DEVICES, STANDIN_VERSION,
 * STANDIN_REPORT (a file that gets all counters when the process ends).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef int (*Kernel)(void *argument);

enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100,
    INVALID_DEVICE = 101, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_READY = 600,
    ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719, NOT_SUPPORTED = 801, CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
};

/* ---------------------------------------------------------------- counters and faults */

#define COUNTERS(X) \
    X(device_bytes) X(device_blocks) X(pinned_bytes) X(pinned_blocks) X(streams) X(events) \
    X(graphs) X(executables) X(retained) X(allocations) X(pins) X(uploads) X(downloads) \
    X(upload_bytes) X(download_bytes) X(pageable) X(captures) X(launches) X(kernels) X(waits) \
    X(overruns) X(freed_busy) X(destroyed_busy)
#define FIELD(name) name,
#define NAME(name) #name,
enum { COUNTERS(FIELD) COUNTER_END };
static const char *const counter_names[] = {COUNTERS(NAME)};
static _Atomic long counters[COUNTER_END];

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int started, broken, device_count = 1, version = 12080;
static size_t memory_limit = (size_t)1 << 34;

#define MOST_FAULTS 8
static struct { char site[16]; int countdown, code; } faults[MOST_FAULTS];

long standin_count(const char *name)
{
    for (int i = 0; i < COUNTER_END; ++i)
        if (!strcmp(counter_names[i], name))
            return counters[i];
    return -1;
}

void standin_limit(size_t bytes) { memory_limit = bytes; }

/* The nth call from now on that `site` guards returns `code`. Codes of 700 and more are as of a
 * kernel that crashed: nothing works afterwards. */
void standin_fail(const char *site, int nth, int code)
{
    for (int i = 0; i < MOST_FAULTS; ++i)
        if (!faults[i].countdown) {
            snprintf(faults[i].site, sizeof faults[i].site, "%s", site);
            faults[i].countdown = nth;
            faults[i].code = code;
            return;
        }
}

static int fault(const char *site)
{
    for (int i = 0; i < MOST_FAULTS; ++i)
        if (faults[i].countdown && !strcmp(faults[i].site, site) && !--faults[i].countdown) {
            if (faults[i].code >= 700 && faults[i].code < 800)
                broken = faults[i].code;
            return faults[i].code;
        }
    return SUCCESS;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("STANDIN_REPORT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    for (int i = 0; i < COUNTER_END; ++i)
        fprintf(file, "%s %ld\n", counter_names[i], counters[i]);
    fclose(file);
}

/* ---------------------------------------------------------------- devices and contexts */

#define MOST_DEVICES 4
#define DEEPEST 16
typedef struct Context { int device; } Context;
static Context contexts[MOST_DEVICES];
static _Thread_local Context *stack[DEEPEST];
static _Thread_local int depth;
static _Thread_local struct Stream *recording;

/* What every call on a context begins with. */
#define CURRENT() \
    do { \
        if (!started) return NOT_INITIALIZED; \
        if (!depth) return INVALID_CONTEXT; \
        if (broken) return broken; \
    } while (0)
#define FAULT(site) \
    do { \
        int code_ = fault(site); \
        if (code_) return code_; \
    } while (0)

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : otherwise;
}

CUresult cuInit(unsigned flags)
{
    (void)flags;
    int code = (int)number("STANDIN_INIT", 0);
    if (code)
        return code;
    device_count = (int)number("STANDIN_DEVICES", 1);
    version = (int)number("STANDIN_VERSION", 12080);
    started = 1;
    return device_count ? SUCCESS : NO_DEVICE;
}

CUresult cuDriverGetVersion(int *value) { *value = version; return SUCCESS; }
CUresult cuDeviceGetCount(int *count) { *count = device_count; return SUCCESS; }

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    *device = ordinal;
    return ordinal >= 0 && ordinal < device_count ? SUCCESS : INVALID_DEVICE;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
    snprintf(name, (size_t)length, "Stand-in %d", device);
    return SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
    (void)device;
    *bytes = memory_limit;
    return SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device)
{
    (void)device;
    *value = attribute == 75 ? 9 : attribute == 76 ? 0 : 1; /* compute capability 9.0 */
    return SUCCESS;
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device)
{
    (void)device;
    *major = 9;
    *minor = 0;
    return SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(void **context, CUdevice device)
{
    FAULT("retain");
    contexts[device].device = device;
    *context = &contexts[device];
    ++counters[retained];
    return SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
    (void)device;
    --counters[retained];
    return SUCCESS;
}

CUresult cuCtxPushCurrent_v2(void *context)
{
    FAULT("push");
    if (depth == DEEPEST)
        return INVALID_VALUE;
    stack[depth++] = context;
    return SUCCESS;
}

CUresult cuCtxPopCurrent_v2(void **context)
{
    FAULT("pop");
    if (!depth)
        return INVALID_CONTEXT;
    *context = stack[--depth];
    return SUCCESS;
}

int standin_depth(void) { return depth; }

CUresult cuCtxGetDevice(CUdevice *device)
{
    CURRENT();
    *device = stack[depth - 1]->device;
    return SUCCESS;
}

CUresult cuGetErrorString(int code, const char **text)
{
    static const struct { int code; const char *text; } known[] = {
        {OUT_OF_MEMORY, "out of memory"}, {INVALID_VALUE, "invalid argument"},
        {INVALID_CONTEXT, "invalid device context"}, {INVALID_HANDLE, "invalid resource handle"},
        {ILLEGAL_ADDRESS, "an illegal memory access was encountered"},
        {LAUNCH_FAILED, "unspecified launch failure"},
        {CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (known[i].code == code) {
            *text = known[i].text;
            return SUCCESS;
        }
    *text = "some other error";
    return SUCCESS;
}

/* ---------------------------------------------------------------- blocks of memory */

#define ALIGNMENT 256
#define CANARY 64
typedef struct Block {
    struct Block *next;
    char *start;
    size_t size;
    int pinned;
} Block;
static Block *blocks;

static void *new_block(size_t size, int pinned)
{
    char *start;
    if (posix_memalign((void **)&start, ALIGNMENT, size + CANARY))
        return NULL;
    memset(start, 0xA5, size + CANARY); /* never by chance what a test expects */
    Block *block = malloc(sizeof *block);
    *block = (Block){blocks, start, size, pinned};
    blocks = block;
    return start;
}

static Block *block_of(const void *address, size_t size, int pinned)
{
    const char *start = address;
    for (Block *block = blocks; block; block = block->next)
        if (block->pinned == pinned && start >= block->start &&
            start + size <= block->start + block->size)
            return block;
    return NULL;
}

static size_t drop_block(void *start, int pinned)
{
    for (Block **link = &blocks; *link; link = &(*link)->next) {
        Block *block = *link;
        if (block->start != start || block->pinned != pinned)
            continue;
        for (int i = 0; i < CANARY; ++i)
            if ((unsigned char)block->start[block->size + (size_t)i] != 0xA5) {
                ++counters[overruns];
                break;
            }
        size_t size = block->size;
        *link = block->next;
        free(block->start);
        free(block);
        return size;
    }
    return 0;
}

/* Whether a kernel may touch these bytes. */
int standin_on_device(CUdeviceptr address, size_t size)
{
    pthread_mutex_lock(&guard);
    int found = block_of((void *)address, size, 0) != NULL;
    pthread_mutex_unlock(&guard);
    return found;
}

/* ---------------------------------------------------------------- streams */

typedef struct Op {
    struct Op *next;
    Kernel kernel; /* else an event, else a copy */
    void *argument;
    struct Event *event;
    char *to;
    const char *from;
    size_t size;
} Op;
typedef struct Graph { Op *first, **last; } Graph;
typedef struct Stream {
    struct Stream *next;
    Op *first, **last;
    Graph *graph; /* while recording */
    int spoilt;
} Stream;
typedef struct Event { Stream *stream; double at_ms; int pending; } Event;
static Stream *streams_alive;

static int is_stream(const Stream *stream)
{
    for (Stream *alive = streams_alive; alive; alive = alive->next)
        if (alive == stream)
            return 1;
    return 0;
}

static void append(Op ***last, Op op)
{
    Op *copy = malloc(sizeof *copy);
    *copy = op;
    copy->next = NULL;
    **last = copy;
    *last = &copy->next;
}

static CUresult put(void *handle, Op op)
{
    Stream *stream = handle;
    CUresult code = SUCCESS;
    pthread_mutex_lock(&guard);
    if (!is_stream(stream))
        code = INVALID_HANDLE;
    else if (stream->graph)
        append(&stream->graph->last, op);
    else
        append(&stream->last, op);
    pthread_mutex_unlock(&guard);
    return code;
}

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static int perform(Op *op)
{
    if (op->kernel) {
        pthread_mutex_lock(&guard);
        ++counters[kernels];
        int code = fault("kernel");
        pthread_mutex_unlock(&guard);
        return code ? code : op->kernel(op->argument);
    }
    if (op->event) {
        op->event->at_ms = now_ms();
        op->event->pending = 0;
        return SUCCESS;
    }
    pthread_mutex_lock(&guard);
    int up = block_of(op->to, op->size, 0) != NULL;
    int down = block_of(op->from, op->size, 0) != NULL;
    pthread_mutex_unlock(&guard);
    if (!up && !down)
        return ILLEGAL_ADDRESS;
    memcpy(op->to, op->from, op->size);
    return SUCCESS;
}

/* Run all that is on the stream, in order, without the guard: kernels call back. */
static void drain(Stream *stream)
{
    for (;;) {
        pthread_mutex_lock(&guard);
        Op *op = stream->first;
        if (op) {
            stream->first = op->next;
            if (!stream->first)
                stream->last = &stream->first;
        }
        pthread_mutex_unlock(&guard);
        if (!op)
            return;
        int code = broken ? 0 : perform(op);
        if (code)
            broken = code;
        free(op);
    }
}

/* Whether the calling thread records a graph. */
int standin_recording(void) { return recording != NULL; }

static int spoils_recording(void)
{
    if (recording)
        recording->spoilt = 1;
    return recording != NULL;
}

CUresult cuStreamCreate(void **handle, unsigned flags)
{
    (void)flags;
    CURRENT();
    FAULT("stream");
    Stream *stream = calloc(1, sizeof *stream);
    stream->last = &stream->first;
    pthread_mutex_lock(&guard);
    stream->next = streams_alive;
    streams_alive = stream;
    ++counters[streams];
    pthread_mutex_unlock(&guard);
    *handle = stream;
    return SUCCESS;
}

CUresult cuStreamDestroy_v2(void *handle)
{
    CURRENT();
    Stream *stream = handle;
    if (stream->first)
        ++counters[destroyed_busy];
    drain(stream);
    pthread_mutex_lock(&guard);
    for (Stream **link = &streams_alive; *link; link = &(*link)->next)
        if (*link == stream) {
            *link = stream->next;
            break;
        }
    --counters[streams];
    pthread_mutex_unlock(&guard);
    free(stream);
    return SUCCESS;
}

CUresult cuStreamSynchronize(void *handle)
{
    CURRENT();
    if (spoils_recording())
        return CAPTURE_UNSUPPORTED;
    FAULT("sync");
    ++counters[waits];
    drain(handle);
    return broken;
}

CUresult cuStreamQuery(void *handle)
{
    CURRENT();
    return ((Stream *)handle)->first ? NOT_READY : SUCCESS;
}

CUresult cuCtxSynchronize(void)
{
    CURRENT();
    if (spoils_recording())
        return CAPTURE_UNSUPPORTED;
    for (Stream *stream = streams_alive; stream; stream = stream->next)
        drain(stream);
    return broken;
}

/* Returns what the driver would; the kernel runs later. */
CUresult standin_launch(void *stream, Kernel kernel, void *argument)
{
    CURRENT();
    FAULT("launch");
    return put(stream, (Op){.kernel = kernel, .argument = argument});
}

/* ---------------------------------------------------------------- allocation */

static void count_busy(const char *start)
{
    for (Stream *stream = streams_alive; stream; stream = stream->next)
        for (Op *op = stream->first; op; op = op->next)
            if (op->to == start || op->from == start) {
                ++counters[freed_busy];
                return;
            }
}

static CUresult allocate(void **start, size_t size, int pinned)
{
    if (spoils_recording())
        return CAPTURE_UNSUPPORTED;
    FAULT(pinned ? "pin" : "alloc");
    if (!size)
        return INVALID_VALUE;
    pthread_mutex_lock(&guard);
    int full = !pinned && (size_t)counters[device_bytes] + size > memory_limit;
    *start = full ? NULL : new_block(size, pinned);
    if (*start) {
        counters[pinned ? pinned_bytes : device_bytes] += (long)size;
        ++counters[pinned ? pinned_blocks : device_blocks];
        ++counters[pinned ? pins : allocations];
    }
    pthread_mutex_unlock(&guard);
    return *start ? SUCCESS : OUT_OF_MEMORY;
}

static CUresult release(void *start, int pinned)
{
    if (spoils_recording())
        return CAPTURE_UNSUPPORTED;
    pthread_mutex_lock(&guard);
    count_busy(start);
    size_t size = drop_block(start, pinned);
    if (size) {
        counters[pinned ? pinned_bytes : device_bytes] -= (long)size;
        --counters[pinned ? pinned_blocks : device_blocks];
    }
    pthread_mutex_unlock(&guard);
    return size ? SUCCESS : INVALID_VALUE;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size)
{
    CURRENT();
    void *start = NULL;
    CUresult code = allocate(&start, size, 0);
    *address = (CUdeviceptr)start;
    return code;
}

CUresult cuMemFree_v2(CUdeviceptr address) { CURRENT(); return release((void *)address, 0); }

CUresult cuMemHostAlloc(void **start, size_t size, unsigned flags)
{
    (void)flags;
    CURRENT();
    return allocate(start, size, 1);
}

CUresult cuMemFreeHost(void *start) { CURRENT(); return release(start, 1); }

CUresult cuMemGetInfo_v2(size_t *unused, size_t *total)
{
    CURRENT();
    *unused = memory_limit - (size_t)counters[device_bytes];
    *total = memory_limit;
    return SUCCESS;
}

/* ---------------------------------------------------------------- copies */

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t size, void *stream)
{
    CURRENT();
    FAULT("upload");
    pthread_mutex_lock(&guard);
    ++counters[uploads];
    counters[upload_bytes] += (long)size;
    counters[pageable] += !block_of(from, size, 1);
    pthread_mutex_unlock(&guard);
    return put(stream, (Op){.to = (char *)to, .from = from, .size = size});
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t size, void *stream)
{
    CURRENT();
    FAULT("download");
    pthread_mutex_lock(&guard);
    ++counters[downloads];
    counters[download_bytes] += (long)size;
    counters[pageable] += !block_of(to, size, 1);
    pthread_mutex_unlock(&guard);
    return put(stream, (Op){.to = to, .from = (const char *)from, .size = size});
}

/* ---------------------------------------------------------------- events */

CUresult cuEventCreate(void **event, unsigned flags)
{
    (void)flags;
    CURRENT();
    *event = calloc(1, sizeof(Event));
    ++counters[events];
    return SUCCESS;
}

CUresult cuEventDestroy_v2(void *event)
{
    CURRENT();
    --counters[events];
    free(event);
    return SUCCESS;
}

CUresult cuEventRecord(void *handle, void *stream)
{
    CURRENT();
    Event *event = handle;
    event->stream = stream;
    event->pending = 1;
    return put(stream, (Op){.event = event});
}

CUresult cuEventSynchronize(void *handle)
{
    CURRENT();
    Event *event = handle;
    if (event->pending)
        drain(event->stream);
    return broken;
}

CUresult cuEventQuery(void *event)
{
    CURRENT();
    return ((Event *)event)->pending ? NOT_READY : SUCCESS;
}

CUresult cuEventElapsedTime(float *ms, void *start, void *end)
{
    CURRENT();
    const Event *from = start, *to = end;
    if (from->pending || to->pending)
        return NOT_READY;
    *ms = (float)(to->at_ms - from->at_ms);
    return SUCCESS;
}

CUresult cuEventElapsedTime_v2(float *ms, void *start, void *end)
{
    return cuEventElapsedTime(ms, start, end);
}

/* ---------------------------------------------------------------- graphs */

static void drop_graph(Graph *graph)
{
    for (Op *op = graph->first, *next; op; op = next) {
        next = op->next;
        free(op);
    }
    free(graph);
}

CUresult cuStreamBeginCapture_v2(void *handle, int mode)
{
    CURRENT();
    FAULT("capture");
    Stream *stream = handle;
    if (mode != 1 || stream->graph) /* thread local */
        return INVALID_VALUE;
    Graph *graph = calloc(1, sizeof *graph);
    graph->last = &graph->first;
    stream->graph = graph;
    stream->spoilt = 0;
    recording = stream;
    ++counters[captures];
    return SUCCESS;
}

CUresult cuStreamEndCapture(void *handle, void **graph)
{
    Stream *stream = handle;
    Graph *made = stream->graph;
    stream->graph = NULL;
    recording = NULL;
    *graph = NULL;
    if (stream->spoilt || broken) {
        drop_graph(made);
        return broken ? broken : CAPTURE_INVALIDATED;
    }
    ++counters[graphs];
    *graph = made;
    return SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long flags)
{
    (void)flags;
    CURRENT();
    FAULT("instantiate");
    Graph *copy = calloc(1, sizeof *copy);
    copy->last = &copy->first;
    for (Op *op = ((Graph *)graph)->first; op; op = op->next)
        append(&copy->last, *op);
    *executable = copy;
    ++counters[executables];
    return SUCCESS;
}

CUresult cuGraphDestroy(void *graph)
{
    --counters[graphs];
    drop_graph(graph);
    return SUCCESS;
}

CUresult cuGraphExecDestroy(void *executable)
{
    CURRENT();
    --counters[executables];
    drop_graph(executable);
    return SUCCESS;
}

CUresult cuGraphLaunch(void *executable, void *stream)
{
    CURRENT();
    FAULT("launch");
    ++counters[launches];
    CUresult code = SUCCESS;
    for (Op *op = ((Graph *)executable)->first; op && !code; op = op->next)
        code = put(stream, *op);
    return code;
}
