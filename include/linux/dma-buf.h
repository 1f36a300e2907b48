/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers that several devices, drivers and processes share.
 */
#ifndef __DMA_BUF_H__
#define __DMA_BUF_H__

#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/list.h>
#include <linux/scatterlist.h>
#include <linux/wait.h>

struct device;
struct dma_buf;
struct dma_buf_attachment;
struct fd_slot;
struct pci_dev;

/**
 * struct dma_buf_ops - what an exporter can do for its buffers
 *
 * @map_dma_buf, @unmap_dma_buf and @release must be there, @pin and @unpin
 * both or neither. "Locked" below means that &dma_buf.resv is held around the
 * call; everything else runs without it. All callbacks may sleep.
 */
struct dma_buf_ops {
	/**
	 * @cache_sgt_mapping: The first mapping of an attachment stays until
	 * it detaches, and later calls get the same one. Not for exporters
	 * that have @pin.
	 */
	bool cache_sgt_mapping;

	/**
	 * @attach: A device would like to use the buffer. The exporter may
	 * turn it down, keep data in &dma_buf_attachment.priv, and clear
	 * &dma_buf_attachment.peer2peer. Unlocked, optional.
	 *
	 * Return: 0 or a negative errno, -EBUSY when the buffer is where this
	 * device cannot reach it and cannot be moved any more.
	 */
	int (*attach)(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);

	/**
	 * @detach: The device is done; undo @attach. Unlocked, optional.
	 */
	void (*detach)(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);

	/**
	 * @pin: Keep the buffer where it is until @unpin; calls nest. An
	 * exporter that has this is dynamic: without a pin it may move the
	 * buffer after it told the importers with dma_buf_move_notify().
	 * Locked.
	 *
	 * Return: 0 or a negative errno.
	 */
	int (*pin)(struct dma_buf_attachment *attach);

	/**
	 * @unpin: Undo one @pin. Locked.
	 */
	void (*unpin)(struct dma_buf_attachment *attach);

	/**
	 * @map_dma_buf: Make the buffer accessible to the attached device,
	 * caches included, and say where. The list stays the exporter's, and
	 * only its DMA addresses are for others to use. Locked.
	 *
	 * Return: the list, or an ERR_PTR; -EINTR or -ERESTARTSYS when a
	 * signal got in the way.
	 */
	struct sg_table *(*map_dma_buf)(struct dma_buf_attachment *attach,
					enum dma_data_direction direction);

	/**
	 * @unmap_dma_buf: Undo one @map_dma_buf; gets the list and the
	 * direction that belong to it. Locked.
	 */
	void (*unmap_dma_buf)(struct dma_buf_attachment *attach, struct sg_table *sgt,
			      enum dma_data_direction direction);

	/**
	 * @release: The last reference is gone: free what is behind
	 * &dma_buf.priv. The buffer itself is still whole. Unlocked.
	 */
	void (*release)(struct dma_buf *dmabuf);

	/**
	 * @begin_cpu_access: The CPU is about to access the buffer: fetch it
	 * to where that works, write back or invalidate caches. Pending
	 * writers, and readers when the CPU writes, have finished. Fences of
	 * %DMA_RESV_USAGE_KERNEL that this callback of a dynamic exporter adds
	 * are waited for after it. Unlocked, optional.
	 *
	 * Return: 0 or a negative errno.
	 */
	int (*begin_cpu_access)(struct dma_buf *dmabuf, enum dma_data_direction direction);

	/**
	 * @end_cpu_access: The CPU has finished; the same the other way
	 * round. Unlocked, optional.
	 *
	 * Return: 0 or a negative errno.
	 */
	int (*end_cpu_access)(struct dma_buf *dmabuf, enum dma_data_direction direction);

	/**
	 * @mmap: Set up a mapping into a process. The range has been checked
	 * and &vm_area_struct.vm_file is the dma-buf's. If page table entries
	 * may go away while the mapping lives, unmap_mapping_range() on
	 * &file.f_mapping removes them. Unlocked, optional.
	 *
	 * Return: 0 or a negative errno.
	 */
	int (*mmap)(struct dma_buf *dmabuf, struct vm_area_struct *vma);

	/**
	 * @vmap: Map the buffer into the kernel. Not called again before
	 * @vunmap. Locked, optional.
	 *
	 * Return: 0 with *@map filled in, or a negative errno.
	 */
	int (*vmap)(struct dma_buf *dmabuf, struct iosys_map *map);

	/**
	 * @vunmap: Undo @vmap. Locked, optional.
	 */
	void (*vunmap)(struct dma_buf *dmabuf, struct iosys_map *map);

	/**
	 * @begin_cpu_access_range: @begin_cpu_access for @length bytes from
	 * @offset on, which are inside of the buffer. Nothing needs to be
	 * done for the others; what the CPU writes to them at the same time
	 * must survive. Unlocked, optional: without it @begin_cpu_access
	 * takes care of the whole buffer.
	 *
	 * Return: 0 or a negative errno.
	 */
	int (*begin_cpu_access_range)(struct dma_buf *dmabuf, size_t offset, size_t length,
				      enum dma_data_direction direction);

	/**
	 * @end_cpu_access_range: @end_cpu_access, in the same way. Unlocked,
	 * optional: without it @end_cpu_access is called.
	 *
	 * Return: 0 or a negative errno.
	 */
	int (*end_cpu_access_range)(struct dma_buf *dmabuf, size_t offset, size_t length,
				    enum dma_data_direction direction);
};

/**
 * struct dma_buf_link - a place in the registry of buffers
 * @node: in one of the registry's lists, under that list's lock
 * @cpu: which list; const while in it. Negative for what is not a buffer
 *
 * Private to the registry in dma-buf-stats.c.
 */
struct dma_buf_link {
	struct list_head node;
	int cpu;
};

/**
 * struct dma_buf_poll_cb_t - what wakes those who poll for one direction
 * @cb: hooked into @fence unless that has signalled
 * @fence: what is waited for, with a reference, or NULL
 *
 * Both fields are protected by &dma_buf.poll_lock; the callback itself runs
 * without it and looks at neither.
 */
struct dma_buf_poll_cb_t {
	struct dma_fence_cb cb;
	struct dma_fence *fence;
};

/**
 * struct dma_buf - a shared buffer
 *
 * Its lifetime is that of @file: get_dma_buf() takes a reference to the file,
 * dma_buf_put() drops one. "Const" fields do not change between
 * dma_buf_export() and the last reference.
 */
struct dma_buf {
	/** @size: Bytes; const. */
	size_t size;

	/** @file: What processes hold; const. */
	struct file *file;

	/** @attachments: By &dma_buf_attachment.node; protected by @resv. */
	struct list_head attachments;

	/**
	 * @ops: The exporter's callbacks. It may replace them until it hands
	 * the buffer to anybody else, so nothing derived from them is kept.
	 */
	const struct dma_buf_ops *ops;

	/** @vmapping_counter: How many vmaps share @vmap_ptr; under @resv. */
	unsigned int vmapping_counter;

	/** @name_lock: Protects @name. Nothing is taken inside. */
	spinlock_t name_lock;

	/** @vmap_ptr: Valid while @vmapping_counter is not 0; under @resv. */
	struct iosys_map vmap_ptr;

	/** @exp_name: Who made it, for people; const. */
	const char *exp_name;

	/**
	 * @name: What userspace calls it, as given, or NULL; protected by
	 * @name_lock. May hold any byte: to be escaped where it is printed.
	 */
	const char *name;

	/** @owner: The exporter's module, with a reference; const. */
	struct module *owner;

	/** @link: The registry's; see &struct dma_buf_link. */
	struct dma_buf_link link;

	/**
	 * @poll_lock: Protects @cb_in and @cb_out. Fence locks are taken
	 * inside, so it is never taken from a fence's callback.
	 */
	spinlock_t poll_lock;

	/**
	 * @poll_seq: How often @cb_in or @cb_out were hooked into another
	 * fence; written under @poll_lock.
	 */
	unsigned int poll_seq;

	/** @priv: The exporter's; const, not looked at by anybody else. */
	void *priv;

	/** @resv: The fences of the buffer's users, and its lock; const. */
	struct dma_resv *resv;

	/**
	 * @revoked: The exporter has withdrawn the buffer. Set once, under
	 * @resv; where that is not held, see dma_buf_is_revoked().
	 */
	bool revoked;

	/** @mmapped: A process has asked for a mapping. Set, never cleared. */
	bool mmapped;

	/** @poll: Those who poll; has a lock of its own. */
	wait_queue_head_t poll;

	/** @cb_in: Wakes @poll with EPOLLIN. */
	struct dma_buf_poll_cb_t cb_in;

	/** @cb_out: Wakes @poll with EPOLLOUT. */
	struct dma_buf_poll_cb_t cb_out;

#ifdef CONFIG_DMABUF_SYSFS_STATS
	/** @sysfs_entry: The directory in sysfs; const. */
	struct dma_buf_sysfs_entry *sysfs_entry;
#endif
};

/**
 * struct dma_buf_attach_ops - what a dynamic importer brings along
 */
struct dma_buf_attach_ops {
	/**
	 * @allow_peer2peer: The importer can handle memory of another device,
	 * which has no struct page.
	 */
	bool allow_peer2peer;

	/**
	 * @move_notify: The buffer is about to move: mappings are stale from
	 * here on. The importer does not unmap inside the call, but before it
	 * uses the buffer again. The exporter waits for the fences of the
	 * buffer before it reuses the old place. Runs under &dma_buf.resv.
	 *
	 * An importer that has pinned the buffer need not expect this.
	 */
	void (*move_notify)(struct dma_buf_attachment *attach);

	/**
	 * @invalidate_mappings: The same, as Linux 7.3 names it, with one
	 * promise more: it is obeyed at any time, also while the importer has
	 * the buffer pinned. The exporter may be taking the buffer back for
	 * good, see dma_buf_revoke(). When this is there, it is called instead
	 * of @move_notify; a dynamic importer needs one of the two.
	 */
	void (*invalidate_mappings)(struct dma_buf_attachment *attach);
};

/**
 * struct dma_buf_attachment - one device that uses one buffer
 */
struct dma_buf_attachment {
	/** @dmabuf: The buffer; const. */
	struct dma_buf *dmabuf;

	/** @dev: The device; const. */
	struct device *dev;

	/** @node: In &dma_buf.attachments, protected by &dma_buf.resv. */
	struct list_head node;

	/** @sgt: A mapping that is kept until the end; under &dma_buf.resv. */
	struct sg_table *sgt;

	/** @dir: Direction of @sgt; under &dma_buf.resv. */
	enum dma_data_direction dir;

	/** @peer2peer: Memory of other devices is fine; const after attach. */
	bool peer2peer;

	/** @importer_ops: NULL when the importer is static; const. */
	const struct dma_buf_attach_ops *importer_ops;

	/** @importer_priv: The importer's, who protects it. */
	void *importer_priv;

	/** @priv: The exporter's, who protects it. */
	void *priv;
};

/**
 * struct phys_vec - a range of physical addresses
 * @paddr: where it starts
 * @len: bytes
 */
struct phys_vec {
	phys_addr_t paddr;
	size_t len;
};

/**
 * struct dma_buf_export_info - what dma_buf_export() needs to know
 * @exp_name: name of the exporter; must live as long as the buffer
 * @owner: module that the callbacks are in
 * @ops: the callbacks
 * @size: bytes
 * @flags: mode of the file, such as O_RDWR
 * @resv: reservation to use, or NULL for one of the buffer's own
 * @priv: the exporter's data, not NULL
 *
 * Use DEFINE_DMA_BUF_EXPORT_INFO(), which fills in the first two.
 */
struct dma_buf_export_info {
	const char *exp_name;
	struct module *owner;
	const struct dma_buf_ops *ops;
	size_t size;
	int flags;
	struct dma_resv *resv;
	void *priv;
};

/**
 * DEFINE_DMA_BUF_EXPORT_INFO - declare a &struct dma_buf_export_info
 * @name: of the variable
 *
 * All fields are 0 but for the name and the module of the exporter.
 */
#define DEFINE_DMA_BUF_EXPORT_INFO(name)		\
	struct dma_buf_export_info name = {		\
		.owner = THIS_MODULE,			\
		.exp_name = KBUILD_MODNAME,		\
	}

/**
 * get_dma_buf - take another reference
 * @dmabuf: buffer that the caller has a reference to
 *
 * Context: Any. Paired with dma_buf_put().
 */
static inline void get_dma_buf(struct dma_buf *dmabuf)
{
	get_file(dmabuf->file);
}

/**
 * dma_buf_is_dynamic - may this buffer move while it is mapped?
 * @dmabuf: the buffer
 *
 * Context: Any.
 * Return: true when the exporter can pin, hence otherwise moves.
 */
static inline bool dma_buf_is_dynamic(struct dma_buf *dmabuf)
{
	return dmabuf->ops->pin;
}

/**
 * dma_buf_attachment_is_dynamic - can this importer follow a move?
 * @attach: the attachment
 *
 * Context: Any.
 * Return: true when it was made by dma_buf_dynamic_attach() with callbacks.
 */
static inline bool dma_buf_attachment_is_dynamic(struct dma_buf_attachment *attach)
{
	return attach->importer_ops;
}

/**
 * dma_buf_is_revoked - has the exporter withdrawn a buffer?
 * @dmabuf: the buffer
 *
 * Context: Any. Unless the caller holds &dma_buf.resv, "no" is yesterday's news.
 * Return: true once dma_buf_revoke() has been called.
 */
static inline bool dma_buf_is_revoked(struct dma_buf *dmabuf)
{
	return unlikely(READ_ONCE(dmabuf->revoked));
}

struct dma_buf *dma_buf_export(const struct dma_buf_export_info *exp_info);
int dma_buf_fd(struct dma_buf *dmabuf, int flags);
void dma_buf_fd_install(int fd, struct dma_buf *dmabuf);
int dma_buf_fd_publish(struct fd_slot *slot);
struct dma_buf *dma_buf_get(int fd);
void dma_buf_put(struct dma_buf *dmabuf);

struct dma_buf *dma_buf_iter_begin(void);
struct dma_buf *dma_buf_iter_next(struct dma_buf *dmabuf);

struct dma_buf_attachment *dma_buf_attach(struct dma_buf *dmabuf, struct device *dev);
struct dma_buf_attachment *
dma_buf_dynamic_attach(struct dma_buf *dmabuf, struct device *dev,
		       const struct dma_buf_attach_ops *importer_ops, void *importer_priv);
void dma_buf_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);
int dma_buf_pin(struct dma_buf_attachment *attach);
void dma_buf_unpin(struct dma_buf_attachment *attach);
void dma_buf_move_notify(struct dma_buf *dmabuf);
void dma_buf_invalidate_mappings(struct dma_buf *dmabuf);
bool dma_buf_attach_revocable(struct dma_buf_attachment *attach);
void dma_buf_revoke(struct dma_buf *dmabuf);

struct sg_table *dma_buf_map_attachment(struct dma_buf_attachment *attach,
					enum dma_data_direction direction);
void dma_buf_unmap_attachment(struct dma_buf_attachment *attach, struct sg_table *sg_table,
			      enum dma_data_direction direction);
struct sg_table *dma_buf_map_attachment_unlocked(struct dma_buf_attachment *attach,
						 enum dma_data_direction direction);
void dma_buf_unmap_attachment_unlocked(struct dma_buf_attachment *attach,
				       struct sg_table *sg_table,
				       enum dma_data_direction direction);

struct sg_table *dma_buf_phys_vec_to_sgt(struct dma_buf_attachment *attach,
					 struct pci_dev *provider,
					 const struct phys_vec *phys_vec, size_t nr_ranges,
					 size_t size, enum dma_data_direction dir);
void dma_buf_free_sgt(struct dma_buf_attachment *attach, struct sg_table *sgt,
		      enum dma_data_direction dir);

int dma_buf_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction);
int dma_buf_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction);
int dma_buf_begin_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
				   enum dma_data_direction direction);
int dma_buf_end_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
				 enum dma_data_direction direction);
int dma_buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma, unsigned long pgoff);
int dma_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map);
void dma_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map);
int dma_buf_vmap_unlocked(struct dma_buf *dmabuf, struct iosys_map *map);
void dma_buf_vunmap_unlocked(struct dma_buf *dmabuf, struct iosys_map *map);

#endif
