// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers: what exporters and importers call.
 */
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/slab.h>

#include "bench.h"
#include "buf.h"

/* The exporter: it has one page at most and does next to nothing, for that is not measured. */

static struct scatterlist bench_sg;
static struct sg_table bench_sgt = { .sgl = &bench_sg, .nents = 1, .orig_nents = 1 };
static struct device *bench_device;

static struct sg_table *bench_map(struct dma_buf_attachment *attach, enum dma_data_direction dir)
{
	return &bench_sgt;
}

static void bench_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			enum dma_data_direction dir)
{
}

static int bench_pin(struct dma_buf_attachment *attach)
{
	return 0;
}

static void bench_unpin(struct dma_buf_attachment *attach)
{
}

static int bench_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, dmabuf);
	return 0;
}

static int bench_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	return 0;
}

static void bench_release(struct dma_buf *dmabuf)
{
}

static const struct dma_buf_ops bench_static_ops = {
	.map_dma_buf = bench_map,
	.unmap_dma_buf = bench_unmap,
	.vmap = bench_vmap,
	.begin_cpu_access = bench_cpu_access,
	.end_cpu_access = bench_cpu_access,
	.release = bench_release,
};

static const struct dma_buf_ops bench_caching_ops = {
	.cache_sgt_mapping = true,
	.map_dma_buf = bench_map,
	.unmap_dma_buf = bench_unmap,
	.release = bench_release,
};

static const struct dma_buf_ops bench_dynamic_ops = {
	.pin = bench_pin,
	.unpin = bench_unpin,
	.map_dma_buf = bench_map,
	.unmap_dma_buf = bench_unmap,
	.release = bench_release,
};

static void bench_moved(struct dma_buf_attachment *attach)
{
}

static const struct dma_buf_attach_ops bench_importer_ops = {
	.move_notify = bench_moved,
};

static struct dma_buf *bench_export_as(const struct dma_buf_ops *ops)
{
	struct dma_buf_export_info info = {
		.exp_name = "bench",
		.ops = ops,
		.size = PAGE_SIZE,
		.flags = O_RDWR,
		.priv = &bench_sgt,
	};

	return dma_buf_export(&info);
}

struct dma_buf *bench_export(void)
{
	return bench_export_as(&bench_static_ops);
}

/*
 * The last put of a file's user would leave the release to a worker, or to the
 * return to user space. That belongs to the file system: here it comes at once.
 */
static int buf_export(struct bench *b)
{
	struct dma_buf **others = kvcalloc(b->size + 1, sizeof(*others), GFP_KERNEL);
	struct dma_buf *dmabuf;
	unsigned int i;

	if (!others)
		return -ENOMEM;
	for (i = 0; i < b->size; i++) {
		others[i] = bench_export();
		if (IS_ERR(others[i]))
			return PTR_ERR(others[i]);
	}
	flush_delayed_fput();
	bench_for_each_turn(b, i) {
		dmabuf = bench_export();
		if (IS_ERR(dmabuf))
			return PTR_ERR(dmabuf);
		__fput_sync(dmabuf->file);
	}
	bench_end(b);
	for (i = 0; i < b->size; i++)
		dma_buf_put(others[i]);
	flush_delayed_fput();
	kvfree(others);
	return 0;
}

/* What a row does to one buffer, once for each turn of its loop. */
typedef int (*buf_operation)(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);

/*
 * Runs the operation in the loop. It is inlined, together with the loop. The
 * buffer has an attachment, plain or dynamic, if importer is not NULL.
 */
static __always_inline int buf_row(struct bench *b, const struct dma_buf_ops *ops, bool attached,
				   const struct dma_buf_attach_ops *importer,
				   bool locked, buf_operation operation)
{
	struct dma_buf *dmabuf = bench_export_as(ops);
	struct dma_buf_attachment *attach[8] = {};
	unsigned int i;
	int ret = 0;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	for (i = 0; attached && i < max(b->size, 1U); i++) {
		attach[i] = dma_buf_dynamic_attach(dmabuf, bench_device, importer, NULL);
		if (IS_ERR(attach[i]))
			return PTR_ERR(attach[i]);
	}
	if (locked)
		dma_resv_lock(dmabuf->resv, NULL);
	bench_for_each_turn(b, i)
		ret |= operation(dmabuf, attach[0]);
	bench_end(b);
	if (locked)
		dma_resv_unlock(dmabuf->resv);
	for (i = 0; i < ARRAY_SIZE(attach); i++) {
		if (attach[i])
			dma_buf_detach(dmabuf, attach[i]);
	}
	dma_buf_put(dmabuf);
	flush_delayed_fput();
	return ret;
}

static __always_inline int do_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *unused)
{
	struct dma_buf_attachment *attach = dma_buf_attach(dmabuf, bench_device);

	if (IS_ERR(attach))
		return PTR_ERR(attach);
	dma_buf_detach(dmabuf, attach);
	return 0;
}

static int buf_attach(struct bench *b)
{
	return buf_row(b, &bench_static_ops, false, NULL, false, do_attach);
}

static __always_inline int do_dynamic_attach(struct dma_buf *dmabuf,
					     struct dma_buf_attachment *unused)
{
	struct dma_buf_attachment *attach;

	attach = dma_buf_dynamic_attach(dmabuf, bench_device, &bench_importer_ops, &bench_sgt);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	dma_buf_detach(dmabuf, attach);
	return 0;
}

static int buf_dynamic_attach(struct bench *b)
{
	return buf_row(b, &bench_dynamic_ops, false, NULL, false, do_dynamic_attach);
}

/* An importer that cannot follow is mapped, and the buffer pinned, when it attaches. */
static int buf_attach_pinning(struct bench *b)
{
	return buf_row(b, &bench_dynamic_ops, false, NULL, false, do_attach);
}

static __always_inline int do_map(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct sg_table *sgt;

	sgt = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_BIDIRECTIONAL);
	return 0;
}

static int buf_map(struct bench *b)
{
	return buf_row(b, &bench_static_ops, true, NULL, false, do_map);
}

static int buf_map_cached(struct bench *b)
{
	return buf_row(b, &bench_caching_ops, true, NULL, false, do_map);
}

static __always_inline int do_pin(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	int ret = dma_buf_pin(attach);

	if (!ret)
		dma_buf_unpin(attach);
	return ret;
}

static int buf_pin(struct bench *b)
{
	return buf_row(b, &bench_dynamic_ops, true, &bench_importer_ops, true, do_pin);
}

static __always_inline int do_move(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	dma_buf_move_notify(dmabuf);
	return 0;
}

static int buf_move(struct bench *b)
{
	return buf_row(b, &bench_dynamic_ops, true, &bench_importer_ops, true, do_move);
}

static __always_inline int do_vmap(struct dma_buf *dmabuf, struct dma_buf_attachment *unused)
{
	struct iosys_map map;
	int ret = dma_buf_vmap_unlocked(dmabuf, &map);

	if (!ret)
		dma_buf_vunmap_unlocked(dmabuf, &map);
	return ret;
}

static int buf_vmap(struct bench *b)
{
	return buf_row(b, &bench_static_ops, false, NULL, false, do_vmap);
}

static __always_inline int do_cpu_access(struct dma_buf *dmabuf, struct dma_buf_attachment *unused)
{
	int ret = dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL);

	return ret ?: dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL);
}

static int buf_cpu_access(struct bench *b)
{
	return buf_row(b, &bench_static_ops, false, NULL, false, do_cpu_access);
}

int bench_buf_init(void)
{
	bench_device = root_device_register("dmabuf-bench");
	return PTR_ERR_OR_ZERO(bench_device);
}

void bench_buf_exit(void)
{
	root_device_unregister(bench_device);
}

const struct bench_row bench_buf_rows[] = {
	{ "buf/export+put", buf_export, .loops = 64 },
	{ "buf/export+put-beside", buf_export, .size = 10000, .loops = 64 },
	{ "buf/attach+detach", buf_attach, .loops = 64 },
	{ "buf/attach+detach-dynamic", buf_dynamic_attach, .loops = 64 },
	{ "buf/attach+detach-pinning", buf_attach_pinning, .loops = 64 },
	{ "buf/map+unmap", buf_map, .loops = 64 },
	{ "buf/map+unmap-cached", buf_map_cached, .loops = 64 },
	{ "buf/pin+unpin", buf_pin, .loops = 64 },
	{ "buf/move-notify", buf_move, .size = 1, .loops = 64 },
	{ "buf/move-notify", buf_move, .size = 8, .loops = 64 },
	{ "buf/vmap+vunmap", buf_vmap, .loops = 64 },
	{ "buf/begin+end-cpu-access", buf_cpu_access, .loops = 64 },
	{}
};
