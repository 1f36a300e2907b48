/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers whose exporter is the test itself, importers that count what they
 * are told, and user memory to make system calls from.
 */
#ifndef _DMABUF_TESTS_MOCK_BUF_H
#define _DMABUF_TESTS_MOCK_BUF_H

#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/ioctl.h>

struct device;
struct kunit;

/* Where the DMA addresses of every mock buffer begin. */
#define MOCK_BUF_DMA_BASE 0x40000000

/* How a mock buffer differs from the plain, static one. */
#define MOCK_BUF_DYNAMIC	BIT(0)	/* has pin and unpin */
#define MOCK_BUF_CACHED		BIT(1)	/* sets cache_sgt_mapping */
#define MOCK_BUF_BARE		BIT(2)	/* only the callbacks that must exist */
#define MOCK_BUF_SHARED_RESV	BIT(3)	/* brings a reservation of its own */

/* How often each callback of the exporter ran. */
struct mock_buf_calls {
	unsigned int attach, detach, pin, unpin, map, unmap;
	unsigned int begin, end, mmap, vmap, vunmap;
	/* found the reservation locked when it must not be, or not when it must */
	unsigned int wrong_lock;
};

/* A buffer and the exporter behind it. */
struct mock_buf {
	/* this buffer's own callbacks, for the test to change */
	struct dma_buf_ops ops;
	/* NULL once mock_buf_put() has given up the test's reference */
	struct dma_buf *dmabuf;
	size_t size;
	/* the memory, whole pages */
	void *vaddr;
	/* what MOCK_BUF_SHARED_RESV uses */
	struct dma_resv own_resv;

	/* what the callbacks saw: counts, and the arguments of the last one */
	struct mock_buf_calls calls;
	int mapped;
	enum dma_data_direction dir;
	struct sg_table *last_sgt;
	/* the last unmap got the list and the direction of the last map, unharmed */
	bool unmap_ok;

	/* hand out lists for the device alone, with no entries for the CPU */
	bool no_cpu_list;
	/* what the callbacks answer; -ENODATA makes map answer NULL */
	int attach_err, pin_err, map_err, begin_err, end_err, mmap_err, vmap_err;
	/* run inside of the callback of that name, if set */
	void (*on_begin)(struct mock_buf *mock);
	void (*on_release)(struct mock_buf *mock);
	void *data;

	struct completion released;
};

/**
 * struct mock_importer - a device that follows a buffer's moves
 * @dev: the device
 * @name: of the device's driver
 * @moves: how often move_notify ran
 * @invalidations: how often invalidate_mappings ran
 * @unlocked_moves: how often one of them ran without the reservation
 */
struct mock_importer {
	struct device *dev;
	char name[24];
	unsigned int moves;
	unsigned int invalidations;
	unsigned int unlocked_moves;
};

/* What an importer of 6.12 brings along, one of 7.3, and one of both. */
extern const struct dma_buf_attach_ops mock_importer_ops;
extern const struct dma_buf_attach_ops mock_revocable_ops;
extern const struct dma_buf_attach_ops mock_bilingual_ops;

/* Fill in @mock and @info without exporting; what mock_buf() does first. */
void mock_buf_describe(struct mock_buf *mock, struct dma_buf_export_info *info,
		       unsigned int kind);

/* dma_buf_export(), the second thing it does; 0 or what that answers. */
int mock_buf_export(struct mock_buf *mock, const struct dma_buf_export_info *info);

/* Memory for a buffer of @size bytes that is not exported yet; freed with the case. */
struct mock_buf *mock_buf_prepare(struct kunit *test, size_t size);

/* A buffer of @size bytes. What the case leaves of it is put when the case ends. */
struct mock_buf *mock_buf(struct kunit *test, size_t size, unsigned int kind);

/* Drop the test's reference and wait: true when that released the buffer. */
bool mock_buf_put(struct mock_buf *mock);

/* Wait for a release that is under way; false when none comes within a second. */
bool mock_buf_wait_released(struct mock_buf *mock);

/* Have a signal pending, so that whatever waits interruptibly ends at once; or not. */
void mock_signal_self(void);
void mock_signal_clear(void);

/* Add @fence to the reservation of @dmabuf. */
void mock_buf_add_fence(struct kunit *test, struct dma_buf *dmabuf, struct dma_fence *fence,
			enum dma_resv_usage usage);

/* How many mock buffers are exported and not yet released. */
int mock_buf_alive(void);

/* A device for @test, removed with it. */
struct device *mock_device(struct kunit *test, const char *name);

/* An importer for @test, removed with it. */
struct mock_importer *mock_importer(struct kunit *test);

/* A page of zeroed memory of the process that the case runs as. */
void __user *mock_user_page(struct kunit *test);

/* Copy between the test and user memory; the case ends when that fails. */
void mock_to_user(struct kunit *test, void __user *to, const void *from, size_t len);
void mock_from_user(struct kunit *test, void *to, const void __user *from, size_t len);

/* An address that the process has not mapped. */
void __user *mock_bad_user(struct kunit *test);

/* ioctl() on @file with @arg (@len bytes) copied in and back out. */
long mock_ioctl(struct kunit *test, struct file *file, unsigned int cmd, void *arg, size_t len);

/* An ioctl's number for a structure of another size. */
static inline unsigned int mock_sized(unsigned int cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

/*
 * An ioctl whose structure may grow, with good @args of the size that its number
 * says, is refused when that is cut off, or goes on with what nobody knows.
 */
void expect_size_checked(struct kunit *test, struct file *file, unsigned int cmd,
			 const void *args);

/* What the show_fdinfo callback of @file prints; freed with the case. */
char *mock_fdinfo(struct kunit *test, struct file *file);

/* Will exec() close a descriptor of this process? */
bool fd_is_cloexec(int fd);

/* @path in a file system that need not be mounted; closed with the case. */
struct file *mock_fs_open(struct kunit *test, const char *type, const char *path, int flags);

/* Write @text into that file, from its start. */
void mock_fs_write(struct kunit *test, struct file *file, const char *text);

/* All of that file from @pos on, @chunk bytes at a time; freed with the case. */
char *mock_fs_read(struct kunit *test, struct file *file, loff_t *pos, size_t chunk);

/* What debugfs says about all buffers; freed with the case. */
char *mock_bufinfo(struct kunit *test);

#endif
