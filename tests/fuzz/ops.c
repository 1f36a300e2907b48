// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that a process can do with descriptors of this subsystem. A new ioctl is one
 * more row of the table at the end, and the fields of its argument.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>

#include "fuzz.h"
#include "runs.h"

/* The ioctls of sw_sync are in no header. */
struct sw_sync_create_fence_data {
	__u32 value;
	char name[32];
	__s32 fence;
};

struct sw_sync_get_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence_fd;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC			_IOW('W', 1, __u32)
#define SW_SYNC_GET_DEADLINE		_IOWR('W', 2, struct sw_sync_get_deadline)

static const struct field heap_alloc[] = {
	{ PLACE(struct dma_heap_allocation_data, len), UP_TO(PAGES, BUFFER_PAGES) },
	{ PLACE(struct dma_heap_allocation_data, fd), .content = ZERO },
	{ PLACE(struct dma_heap_allocation_data, fd_flags),
	  ONE_OF(O_RDWR | O_CLOEXEC, O_RDWR, O_RDONLY | O_CLOEXEC, O_WRONLY) },
	{ PLACE(struct dma_heap_allocation_data, heap_flags), .content = ZERO },
	{}
};

static const struct field heap_alloc_large[] = {
	{ PLACE(struct dma_heap_allocation_data, len), ONE_OF(2 << 20, 1 << 20, 4 << 20) },
	{ PLACE(struct dma_heap_allocation_data, fd), .content = ZERO },
	{ PLACE(struct dma_heap_allocation_data, fd_flags), ONE_OF(O_RDWR | O_CLOEXEC) },
	{ PLACE(struct dma_heap_allocation_data, heap_flags), .content = ZERO },
	{}
};

static const struct field create[] = {
	{ PLACE(struct udmabuf_create, memfd), FD_OF(MEMFD) },
	{ PLACE(struct udmabuf_create, flags), ONE_OF(UDMABUF_FLAGS_CLOEXEC, 0) },
	{ PLACE(struct udmabuf_create, offset), UP_TO(PAGES, MEMFD_PAGES / 2) },
	{ PLACE(struct udmabuf_create, size), UP_TO(PAGES, MEMFD_PAGES / 2) },
	{}
};

static const struct field create_list[] = {
	{ PLACE(struct udmabuf_create_list, flags), ONE_OF(UDMABUF_FLAGS_CLOEXEC, 0) },
	{ PLACE(struct udmabuf_create_list, count), .content = COUNT },
	{}
};

static const struct field create_item[] = {
	{ PLACE(struct udmabuf_create_item, memfd), FD_OF(MEMFD) },
	{ PLACE(struct udmabuf_create_item, __pad), .content = ZERO },
	{ PLACE(struct udmabuf_create_item, offset), UP_TO(PAGES, MEMFD_PAGES / 2) },
	{ PLACE(struct udmabuf_create_item, size), ONE_OF(PAGE, 2 * PAGE, 16 * PAGE) },
	{}
};

static const struct list create_items = {
	.size = sizeof(struct udmabuf_create_item),
	.most = 40,
	.behind = true,
	.fields = create_item,
};

static const struct field create_fence[] = {
	{ PLACE(struct sw_sync_create_fence_data, value), UP_TO(NUMBER, 64) },
	{ PLACE(struct sw_sync_create_fence_data, name), .content = TEXT },
	{ PLACE(struct sw_sync_create_fence_data, fence), .content = ZERO },
	{}
};

static const struct field inc[] = {
	{ .size = sizeof(__u32), .content = NUMBER, .values = { 8 } },
	{}
};

static const struct field get_deadline[] = {
	{ PLACE(struct sw_sync_get_deadline, deadline_ns), .content = ZERO },
	{ PLACE(struct sw_sync_get_deadline, pad), .content = ZERO },
	{ PLACE(struct sw_sync_get_deadline, fence_fd), FD_OF(SYNC) },
	{}
};

static const struct field merge[] = {
	{ PLACE(struct sync_merge_data, name), .content = TEXT },
	{ PLACE(struct sync_merge_data, fd2), FD_OF(SYNC) },
	{ PLACE(struct sync_merge_data, fence), .content = ZERO },
	{ PLACE(struct sync_merge_data, flags), .content = ZERO },
	{ PLACE(struct sync_merge_data, pad), .content = ZERO },
	{}
};

#ifdef SYNC_IOC_MERGE_MANY
static const struct field merge_many[] = {
	{ PLACE(struct sync_merge_many, name), .content = TEXT },
	{ PLACE(struct sync_merge_many, fds), .content = POINTER },
	{ PLACE(struct sync_merge_many, num_fds), .content = COUNT },
	{ PLACE(struct sync_merge_many, fence), .content = ZERO },
	{ PLACE(struct sync_merge_many, flags), .content = ZERO },
	{ PLACE(struct sync_merge_many, pad), .content = ZERO },
	{}
};

static const struct field merged_fd[] = {
	{ .size = sizeof(__s32), FD_OF(SYNC) },
	{}
};

static const struct list merged_fds = {
	.size = sizeof(__s32),
	.most = 64,
	.fields = merged_fd,
};
#endif

static const struct field info[] = {
	{ PLACE(struct sync_file_info, flags), .content = ZERO },
	{ PLACE(struct sync_file_info, pad), .content = ZERO },
	{ PLACE(struct sync_file_info, num_fences), ONE_OF(0, 1, 2, 16, 64) },
	{ PLACE(struct sync_file_info, sync_fence_info), .content = POINTER },
	{}
};

static const struct list infos = {
	.room = sizeof(struct sync_fence_info),
	.most = 64,
};

static const struct field set_deadline[] = {
	{ PLACE(struct sync_set_deadline, deadline_ns), UP_TO(NUMBER, 1ULL << 40) },
	{ PLACE(struct sync_set_deadline, pad), .content = ZERO },
	{}
};

static const struct field cpu_access[] = {
	{ PLACE(struct dma_buf_sync, flags),
	  ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
		 DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END,
		 DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END) },
	{}
};

static const struct field name[] = {
	{ .size = DMA_BUF_NAME_LEN, .content = TEXT },
	{}
};

static const struct field fence_export[] = {
	{ PLACE(struct dma_buf_export_sync_file, flags),
	  ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW) },
	{ PLACE(struct dma_buf_export_sync_file, fd), .content = ZERO },
	{}
};

static const struct field fence_import[] = {
	{ PLACE(struct dma_buf_import_sync_file, flags),
	  ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW) },
	{ PLACE(struct dma_buf_import_sync_file, fd), FD_OF(SYNC) },
	{}
};

#ifdef DMA_BUF_IOCTL_SYNC_RANGE
static const struct field range_access[] = {
	{ PLACE(struct dma_buf_sync_range, flags),
	  ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
		 DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END,
		 DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END) },
	{ PLACE(struct dma_buf_sync_range, pad), .content = ZERO },
	{ PLACE(struct dma_buf_sync_range, offset), UP_TO(NUMBER, PAGE * 4) },
	{ PLACE(struct dma_buf_sync_range, length), UP_TO(NUMBER, PAGE * 8) },
	{}
};
#endif

#ifdef DMA_BUF_IOCTL_SET_DEADLINE
static const struct field buffer_deadline[] = {
	{ PLACE(struct dma_buf_set_deadline, deadline_ns), UP_TO(NUMBER, 1ULL << 40) },
	{ PLACE(struct dma_buf_set_deadline, flags),
	  ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW) },
	{ PLACE(struct dma_buf_set_deadline, pad), .content = ZERO },
	{}
};
#endif

#ifdef DMA_BUF_IOCTL_NARROW
static const struct field fewer_rights[] = {
	{ PLACE(struct dma_buf_narrow, flags),
	  ONE_OF(DMA_BUF_NARROW_NO_CPU_WRITE, DMA_BUF_NARROW_NO_DEVICES, DMA_BUF_NARROW_READ_ONLY,
		 DMA_BUF_NARROW_NO_RENAME, DMA_BUF_NARROW_NO_FENCES, DMA_BUF_NARROW_VALID_FLAGS) },
	{ PLACE(struct dma_buf_narrow, fd_flags), ONE_OF(O_CLOEXEC, 0) },
	{ PLACE(struct dma_buf_narrow, fd), .content = ZERO },
	{ PLACE(struct dma_buf_narrow, pad), .content = ZERO },
	{}
};
#endif

static const struct field dumb[] = {
	{ PLACE(struct drm_mode_create_dumb, height), ONE_OF(1, 16, 64) },
	{ PLACE(struct drm_mode_create_dumb, width), ONE_OF(64, 1024) },
	{ PLACE(struct drm_mode_create_dumb, bpp), ONE_OF(32) },
	{ PLACE(struct drm_mode_create_dumb, flags), .content = ZERO },
	{}
};

static const struct field gem_close[] = {
	{ PLACE(struct drm_gem_close, handle), UP_TO(NUMBER, 16) },
	{ PLACE(struct drm_gem_close, pad), .content = ZERO },
	{}
};

static const struct field prime_export[] = {
	{ PLACE(struct drm_prime_handle, handle), UP_TO(NUMBER, 16) },
	{ PLACE(struct drm_prime_handle, flags), ONE_OF(DRM_CLOEXEC | DRM_RDWR, DRM_RDWR, 0) },
	{}
};

static const struct field prime_import[] = {
	{ PLACE(struct drm_prime_handle, flags), .content = ZERO },
	{ PLACE(struct drm_prime_handle, fd), FD_OF(BUFFER) },
	{}
};

static const struct field vgem_attach[] = {
	{ PLACE(struct drm_vgem_fence_attach, handle), UP_TO(NUMBER, 16) },
	{ PLACE(struct drm_vgem_fence_attach, flags), ONE_OF(0, VGEM_FENCE_WRITE) },
	{ PLACE(struct drm_vgem_fence_attach, pad), .content = ZERO },
	{}
};

static const struct field vgem_signal[] = {
	{ PLACE(struct drm_vgem_fence_signal, fence), UP_TO(NUMBER, 16) },
	{ PLACE(struct drm_vgem_fence_signal, flags), .content = ZERO },
	{}
};

#define IOCTL(number, type, table)	\
	.cmd = number, .size = sizeof(type), .fields = table
#define GIVES(of, type, member)		\
	.makes = of, .result = offsetof(type, member)

const struct op ops[] = {
	/* The sources of descriptors. */
	{ "memfd", .foreign = true, .makes = MEMFD, .weight = 3, .run = run_memfd },
	{ "open-system-heap", .makes = HEAP, .weight = 2, .run = run_open,
	  .path = "/dev/dma_heap/system" },
	{ "open-cma-heap", .makes = HEAP, .weight = 2, .run = run_open,
	  .path = "/dev/dma_heap/reserved" },
	{ "open-udmabuf", .makes = UDMABUF, .weight = 2, .run = run_open,
	  .path = "/dev/udmabuf" },
	{ "open-sw_sync", .makes = TIMELINE, .weight = 3, .run = run_open,
	  .path = "/sys/kernel/debug/sync/sw_sync" },
	{ "open-vgem", .makes = DRM, .weight = 2, .run = run_open_drm },
	{ "epoll_create", .foreign = true, .makes = EPOLL, .weight = 2, .run = run_epoll_create },

	/* The ioctls. */
	{ "DMA_HEAP_IOCTL_ALLOC", .on = HEAP, .weight = 16,
	  IOCTL(DMA_HEAP_IOCTL_ALLOC, struct dma_heap_allocation_data, heap_alloc),
	  GIVES(BUFFER, struct dma_heap_allocation_data, fd) },
	{ "DMA_HEAP_IOCTL_ALLOC-large", .on = HEAP, .weight = 2,
	  IOCTL(DMA_HEAP_IOCTL_ALLOC, struct dma_heap_allocation_data, heap_alloc_large),
	  GIVES(BUFFER, struct dma_heap_allocation_data, fd) },
	{ "UDMABUF_CREATE", .on = UDMABUF, .makes = BUFFER, .weight = 12, .result = RETURNED,
	  IOCTL(UDMABUF_CREATE, struct udmabuf_create, create) },
	{ "UDMABUF_CREATE_LIST", .on = UDMABUF, .makes = BUFFER, .weight = 12,
	  .result = RETURNED, .list = &create_items,
	  IOCTL(UDMABUF_CREATE_LIST, struct udmabuf_create_list, create_list) },
	{ "SW_SYNC_IOC_CREATE_FENCE", .on = TIMELINE, .weight = 24,
	  IOCTL(SW_SYNC_IOC_CREATE_FENCE, struct sw_sync_create_fence_data, create_fence),
	  GIVES(SYNC, struct sw_sync_create_fence_data, fence) },
	{ "SW_SYNC_IOC_INC", .on = TIMELINE, .weight = 10,
	  IOCTL(SW_SYNC_IOC_INC, __u32, inc) },
	{ "SW_SYNC_GET_DEADLINE", .on = TIMELINE, .weight = 4,
	  IOCTL(SW_SYNC_GET_DEADLINE, struct sw_sync_get_deadline, get_deadline) },
	{ "SYNC_IOC_MERGE", .on = SYNC, .weight = 16,
	  IOCTL(SYNC_IOC_MERGE, struct sync_merge_data, merge),
	  GIVES(SYNC, struct sync_merge_data, fence) },
#ifdef SYNC_IOC_MERGE_MANY
	{ "SYNC_IOC_MERGE_MANY", .on = SYNC, .weight = 12, .list = &merged_fds,
	  IOCTL(SYNC_IOC_MERGE_MANY, struct sync_merge_many, merge_many),
	  GIVES(SYNC, struct sync_merge_many, fence) },
#endif
	{ "SYNC_IOC_FILE_INFO", .on = SYNC, .weight = 12, .list = &infos,
	  IOCTL(SYNC_IOC_FILE_INFO, struct sync_file_info, info) },
	{ "SYNC_IOC_SET_DEADLINE", .on = SYNC, .weight = 6,
	  IOCTL(SYNC_IOC_SET_DEADLINE, struct sync_set_deadline, set_deadline) },
	{ "DMA_BUF_IOCTL_SYNC", .on = BUFFER, .weight = 12, .blocks = true,
	  IOCTL(DMA_BUF_IOCTL_SYNC, struct dma_buf_sync, cpu_access) },
#ifdef DMA_BUF_IOCTL_SYNC_RANGE
	{ "DMA_BUF_IOCTL_SYNC_RANGE", .on = BUFFER, .weight = 12, .blocks = true,
	  IOCTL(DMA_BUF_IOCTL_SYNC_RANGE, struct dma_buf_sync_range, range_access) },
#endif
#ifdef DMA_BUF_IOCTL_SET_DEADLINE
	{ "DMA_BUF_IOCTL_SET_DEADLINE", .on = BUFFER, .weight = 8,
	  IOCTL(DMA_BUF_IOCTL_SET_DEADLINE, struct dma_buf_set_deadline, buffer_deadline) },
#endif
#ifdef DMA_BUF_IOCTL_NARROW
	{ "DMA_BUF_IOCTL_NARROW", .on = BUFFER, .weight = 10,
	  IOCTL(DMA_BUF_IOCTL_NARROW, struct dma_buf_narrow, fewer_rights),
	  GIVES(BUFFER, struct dma_buf_narrow, fd) },
#endif
	/* The name is what the argument points to: as if it were a structure. */
	{ "DMA_BUF_SET_NAME_A", .on = BUFFER, .weight = 4, .cmd = DMA_BUF_SET_NAME_A,
	  .size = DMA_BUF_NAME_LEN, .fields = name },
	{ "DMA_BUF_SET_NAME_B", .on = BUFFER, .weight = 4, .cmd = DMA_BUF_SET_NAME_B,
	  .size = DMA_BUF_NAME_LEN, .fields = name },
	{ "DMA_BUF_IOCTL_EXPORT_SYNC_FILE", .on = BUFFER, .weight = 14,
	  IOCTL(DMA_BUF_IOCTL_EXPORT_SYNC_FILE, struct dma_buf_export_sync_file, fence_export),
	  GIVES(SYNC, struct dma_buf_export_sync_file, fd) },
	{ "DMA_BUF_IOCTL_IMPORT_SYNC_FILE", .on = BUFFER, .weight = 20,
	  IOCTL(DMA_BUF_IOCTL_IMPORT_SYNC_FILE, struct dma_buf_import_sync_file, fence_import) },

	/* A driver that attaches to buffers, maps them and puts fences on them. */
	{ "MODE_CREATE_DUMB", .on = DRM, .weight = 6,
	  IOCTL(DRM_IOCTL_MODE_CREATE_DUMB, struct drm_mode_create_dumb, dumb) },
	{ "GEM_CLOSE", .on = DRM, .weight = 4,
	  IOCTL(DRM_IOCTL_GEM_CLOSE, struct drm_gem_close, gem_close) },
	{ "PRIME_HANDLE_TO_FD", .on = DRM, .weight = 8,
	  IOCTL(DRM_IOCTL_PRIME_HANDLE_TO_FD, struct drm_prime_handle, prime_export),
	  GIVES(BUFFER, struct drm_prime_handle, fd) },
	{ "PRIME_FD_TO_HANDLE", .on = DRM, .weight = 10,
	  IOCTL(DRM_IOCTL_PRIME_FD_TO_HANDLE, struct drm_prime_handle, prime_import) },
	{ "VGEM_FENCE_ATTACH", .on = DRM, .weight = 4,
	  IOCTL(DRM_IOCTL_VGEM_FENCE_ATTACH, struct drm_vgem_fence_attach, vgem_attach) },
	{ "VGEM_FENCE_SIGNAL", .on = DRM, .weight = 4,
	  IOCTL(DRM_IOCTL_VGEM_FENCE_SIGNAL, struct drm_vgem_fence_signal, vgem_signal) },

	/* What is done with any descriptor. */
	{ "close", .weight = 10, .run = run_close },
	{ "dup", .foreign = true, .weight = 6, .run = run_dup },
	{ "dup3", .foreign = true, .weight = 4, .run = run_dup_over },
	{ "fcntl", .foreign = true, .weight = 2, .run = run_fcntl },
	{ "lseek", .weight = 3, .run = run_seek },
	{ "read-write", .foreign = true, .weight = 1, .run = run_read_write },
	{ "fstat", .foreign = true, .weight = 1, .run = run_stat },
	{ "change-memfd", .foreign = true, .weight = 4, .run = run_memfd_change },
	{ "send", .foreign = true, .weight = 4, .run = run_send },
	{ "receive", .foreign = true, .weight = 6, .run = run_receive },
	{ "fork", .foreign = true, .weight = 1, .run = run_fork },

	{ "mmap", .weight = 14, .run = run_map },
	{ "mmap-anywhere", .weight = 2, .run = run_map_anywhere },
	{ "munmap", .weight = 6, .run = run_unmap },
	{ "mprotect", .weight = 3, .run = run_protect },
	{ "madvise", .weight = 3, .run = run_advise },
	{ "mremap", .foreign = true, .weight = 3, .run = run_remap },
	{ "touch", .weight = 12, .run = run_touch },
	{ "peek", .weight = 3, .run = run_peek, .path = "/proc/self/mem" },

	{ "poll", .weight = 16, .run = run_poll },
	{ "epoll_ctl", .weight = 12, .run = run_epoll_ctl },
	{ "epoll_wait", .weight = 8, .run = run_epoll_wait },

	/* Who looks on. */
	{ "bufinfo", .weight = 2, .run = run_read_text,
	  .path = "/sys/kernel/debug/dma_buf/bufinfo" },
	{ "sync-info", .weight = 2, .run = run_read_text,
	  .path = "/sys/kernel/debug/sync/info" },
	{ "proc-fd", .weight = 4, .run = run_proc_fd },
	{ "proc-maps", .foreign = true, .weight = 1, .run = run_read_text,
	  .path = "/proc/self/maps" },
	{ "sysfs-buffer", .weight = 2, .run = run_sysfs, .path = "/sys/kernel/dmabuf/buffers" },
	{ "list_limit", .foreign = true, .weight = 1, .run = run_parameter,
	  .path = "/sys/module/udmabuf/parameters/list_limit" },
	{ "size_limit_mb", .foreign = true, .weight = 1, .run = run_parameter,
	  .path = "/sys/module/udmabuf/parameters/size_limit_mb" },
	{ "pool-limit_mb", .weight = 1, .run = run_parameter,
	  .path = "/sys/module/system_heap_pool/parameters/limit_mb" },
};

const unsigned int nr_ops = ARRAY_SIZE(ops);
