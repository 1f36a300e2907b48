// SPDX-License-Identifier: GPL-2.0-only
/*
 * What other rows are made of and no implementation of dma-buf can do without: the
 * kernel's own facilities. Only on demand, as they say nothing about either tree.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "bench.h"

#define PIN_PAGES 8192
#define PIN_BATCH 512

static u64 sink;

static int parts_clock(struct bench *b)
{
	unsigned int i;

	bench_for_each_turn(b, i)
		sink += ktime_get();
	bench_end(b);
	return 0;
}

static int parts_lock(struct bench *b)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;
	unsigned int i;

	bench_for_each_turn(b, i) {
		spin_lock_irqsave(&lock, flags);
		spin_unlock_irqrestore(&lock, flags);
	}
	bench_end(b);
	return 0;
}

struct parts_object {
	struct rcu_head rcu;
	char rest[80];
};

/* As a driver gets the memory of a fence, and gives it back after a grace period. */
static int parts_memory(struct bench *b)
{
	struct parts_object *object;
	unsigned int i;

	bench_for_each_turn(b, i) {
		object = kmalloc(sizeof(*object), GFP_KERNEL);
		if (!object)
			return -ENOMEM;
		kfree_rcu(object, rcu);
	}
	bench_end(b);
	return 0;
}

static const struct file_operations parts_fops;

/* A file without an inode of its own. */
static int parts_file(struct bench *b)
{
	struct file *file;
	unsigned int i;

	bench_for_each_turn(b, i) {
		file = anon_inode_getfile("[parts]", &parts_fops, NULL, O_RDWR);
		if (IS_ERR(file))
			return PTR_ERR(file);
		__fput_sync(file);
	}
	bench_end(b);
	return 0;
}

/* One of its own, which is what fstat() and the path of a dma-buf take. */
static int parts_inode(struct bench *b)
{
	struct file *file = anon_inode_getfile("[parts]", &parts_fops, NULL, O_RDWR);
	struct inode *inode;
	unsigned int i;
	int ret = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	bench_for_each_turn(b, i) {
		inode = alloc_anon_inode(file_inode(file)->i_sb);
		if (IS_ERR(inode)) {
			ret = PTR_ERR(inode);
			break;
		}
		iput(inode);
	}
	bench_end(b);
	__fput_sync(file);
	return ret;
}

/* Pins and unpins the pages of a memfd in batches, and measures the one or the other. */
static int parts_pin_all(struct bench *b, struct file *memfd, struct folio **folios, bool pin)
{
	loff_t pos, end = (loff_t)PIN_PAGES << PAGE_SHIFT;
	u64 spent = 0;
	pgoff_t offset;
	long nr;

	b->ops = PIN_PAGES;
	b->loops = 0;
	for (pos = 0; pos < end; pos += (loff_t)nr << PAGE_SHIFT) {
		if (pin)
			bench_begin(b);
		nr = memfd_pin_folios(memfd, pos, end - 1, folios, PIN_BATCH, &offset);
		if (pin)
			bench_end(b);
		if (nr <= 0)
			return nr ?: -EINVAL;
		if (!pin)
			bench_begin(b);
		unpin_folios(folios, nr);
		if (!pin)
			bench_end(b);
		spent += b->elapsed;
	}
	b->elapsed = spent;
	return 0;
}

static int parts_pages(struct bench *b, bool pin)
{
	struct file *memfd = shmem_file_setup("parts", (loff_t)PIN_PAGES << PAGE_SHIFT,
					      VM_NORESERVE);
	struct folio **folios = kcalloc(PIN_BATCH, sizeof(*folios), GFP_KERNEL);
	int ret = folios ? PTR_ERR_OR_ZERO(memfd) : -ENOMEM;

	if (!ret)	/* the first time makes them */
		ret = parts_pin_all(b, memfd, folios, pin) ?:
		      parts_pin_all(b, memfd, folios, pin);
	if (!IS_ERR(memfd))
		__fput_sync(memfd);
	kfree(folios);
	return ret;
}

static int parts_pin(struct bench *b)
{
	return parts_pages(b, true);
}

static int parts_unpin(struct bench *b)
{
	return parts_pages(b, false);
}

const struct bench_row bench_part_rows[] = {
	{ "parts/ktime_get", parts_clock, .loops = 256 },
	{ "parts/spin_lock_irqsave+unlock", parts_lock, .loops = 256 },
	{ "parts/kmalloc+kfree_rcu", parts_memory, .loops = 64 },
	{ "parts/anon_inode_getfile+fput", parts_file, .loops = 64 },
	{ "parts/alloc_anon_inode+iput", parts_inode, .loops = 64 },
	{ "parts/memfd_pin_folios-per-page", parts_pin, .loops = 1 },
	{ "parts/unpin_folios-per-page", parts_unpin, .loops = 1 },
	{}
};
