// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which buffers exist: the registry of all of them, the debugfs file that lists
 * them, and one directory per buffer in sysfs.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/kobject.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <kunit/visibility.h>

#include "dma-buf-internal.h"

/*
 * The registry is one list per CPU, each with a lock of its own. A buffer is in
 * the list of the CPU that exported it, from dma_buf_export() to the last close,
 * so on a machine at work nobody waits for anybody else.
 *
 * Readers walk one list after the other. A reader holds a list's lock just long
 * enough to get a reference to the next buffer. That buffer keeps the reader's
 * place in the list while the reader takes its time with it, or sleeps on its
 * reservation. A reader that goes on in another system call, and must not hold a
 * buffer for that long, leaves a cursor in the list instead, which is not a
 * buffer and is passed over by others. Either way all others come and go
 * meanwhile: what exists from beginning to end is seen exactly once.
 */
struct dma_buf_shard {
	/* protects @links, innermost */
	spinlock_t lock;
	/* of struct dma_buf_link, of buffers and cursors */
	struct list_head links;
};

static DEFINE_PER_CPU_ALIGNED(struct dma_buf_shard, dma_buf_shards);

/* In &dma_buf_link.cpu of whatever is not a buffer. */
#define DMA_BUF_NO_BUFFER	-1

void dma_buf_registry_add(struct dma_buf *dmabuf)
{
	struct dma_buf_shard *shard;

	/* Any list will do; nobody else is likely to use this one now. */
	dmabuf->link.cpu = raw_smp_processor_id();
	shard = per_cpu_ptr(&dma_buf_shards, dmabuf->link.cpu);

	spin_lock(&shard->lock);
	/* In front, or a reader might have to run after new ones for ever. */
	list_add(&dmabuf->link.node, &shard->links);
	spin_unlock(&shard->lock);
}

/* Readers that get here first hold a reference, those that come later see nothing. */
void dma_buf_registry_del(struct dma_buf *dmabuf)
{
	struct dma_buf_shard *shard = per_cpu_ptr(&dma_buf_shards, dmabuf->link.cpu);

	spin_lock(&shard->lock);
	list_del(&dmabuf->link.node);
	spin_unlock(&shard->lock);
}

/*
 * The first buffer behind @node in the list of @shard, with a reference. One whose
 * last reference is gone already waits for the lock to leave the list, and does
 * not count any more.
 */
static struct dma_buf *dma_buf_shard_get(struct dma_buf_shard *shard, struct list_head *node)
{
	struct dma_buf_link *link = list_entry(node, struct dma_buf_link, node);
	struct dma_buf *dmabuf, *found = NULL;

	spin_lock(&shard->lock);
	list_for_each_entry_continue(link, &shard->links, node) {
		if (link->cpu == DMA_BUF_NO_BUFFER)
			continue;
		dmabuf = container_of(link, struct dma_buf, link);
		if (get_file_active(&dmabuf->file)) {
			found = dmabuf;
			break;
		}
	}
	spin_unlock(&shard->lock);
	return found;
}

/* The first buffer in the list of @cpu or of a later one, with a reference. */
static struct dma_buf *dma_buf_first_from(unsigned int cpu)
{
	struct dma_buf_shard *shard;
	struct dma_buf *dmabuf;

	for (; cpu < nr_cpu_ids; cpu = cpumask_next(cpu, cpu_possible_mask)) {
		shard = per_cpu_ptr(&dma_buf_shards, cpu);
		dmabuf = dma_buf_shard_get(shard, &shard->links);
		if (dmabuf)
			return dmabuf;
	}
	return NULL;
}

/**
 * dma_buf_iter_begin - the first of all buffers
 *
 * Begins a walk over the buffers of the system, which dma_buf_iter_next() goes on
 * with. What exists from the beginning of the walk to its end is seen exactly
 * once; what comes or goes meanwhile is seen once or not at all. No lock is
 * held between the calls, and any number of walks may be under way.
 *
 * Context: Process.
 *
 * Return: a buffer with a reference for the caller, or NULL when there is none.
 */
struct dma_buf *dma_buf_iter_begin(void)
{
	return dma_buf_first_from(cpumask_first(cpu_possible_mask));
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_iter_begin);

/**
 * dma_buf_iter_next - the buffer behind another one
 * @dmabuf: where the walk stands: what dma_buf_iter_begin() or this function
 *	returned last
 *
 * Takes over the caller's reference to @dmabuf, which until now has kept the place
 * in the list. A walk that is to end early ends with dma_buf_put() instead.
 *
 * Context: Process.
 *
 * Return: the next buffer with a reference for the caller, or NULL at the end.
 */
struct dma_buf *dma_buf_iter_next(struct dma_buf *dmabuf)
{
	unsigned int cpu = dmabuf->link.cpu;
	struct dma_buf *next;

	next = dma_buf_shard_get(per_cpu_ptr(&dma_buf_shards, cpu), &dmabuf->link.node);
	if (!next)
		next = dma_buf_first_from(cpumask_next(cpu, cpu_possible_mask));
	dma_buf_put(dmabuf);
	return next;
}
EXPORT_SYMBOL_IF_KUNIT(dma_buf_iter_next);

/* Leave the registry; what is to be done before a cursor's memory is freed. */
void dma_buf_cursor_unlink(struct dma_buf_cursor *cursor)
{
	struct dma_buf_shard *shard;

	if (cursor->cpu >= nr_cpu_ids)
		return;

	shard = per_cpu_ptr(&dma_buf_shards, cursor->cpu);
	spin_lock(&shard->lock);
	list_del(&cursor->link.node);
	spin_unlock(&shard->lock);
	cursor->cpu = nr_cpu_ids;
}

/* Go to the start of the first list from @cpu on. */
static void dma_buf_cursor_link(struct dma_buf_cursor *cursor, unsigned int cpu)
{
	struct dma_buf_shard *shard;

	cursor->cpu = cpu;
	if (cpu >= nr_cpu_ids)
		return;

	shard = per_cpu_ptr(&dma_buf_shards, cpu);
	spin_lock(&shard->lock);
	list_add(&cursor->link.node, &shard->links);
	spin_unlock(&shard->lock);
}

/* A cursor that is nowhere yet. */
void dma_buf_cursor_init(struct dma_buf_cursor *cursor)
{
	cursor->link.cpu = DMA_BUF_NO_BUFFER;
	cursor->cpu = nr_cpu_ids;
}

/* Go to the first buffer. */
void dma_buf_cursor_rewind(struct dma_buf_cursor *cursor)
{
	dma_buf_cursor_unlink(cursor);
	dma_buf_cursor_link(cursor, cpumask_first(cpu_possible_mask));
}

/*
 * The buffer that is due, with a reference, or NULL at the end. The same again
 * until dma_buf_cursor_pass(), unless it has gone.
 */
struct dma_buf *dma_buf_cursor_get(struct dma_buf_cursor *cursor)
{
	struct dma_buf *dmabuf;
	unsigned int next;

	while (cursor->cpu < nr_cpu_ids) {
		dmabuf = dma_buf_shard_get(per_cpu_ptr(&dma_buf_shards, cursor->cpu),
					   &cursor->link.node);
		if (dmabuf)
			return dmabuf;
		next = cpumask_next(cursor->cpu, cpu_possible_mask);
		dma_buf_cursor_unlink(cursor);
		dma_buf_cursor_link(cursor, next);
	}
	return NULL;
}

/* Done with @dmabuf, to which the caller has a reference from the cursor. */
void dma_buf_cursor_pass(struct dma_buf_cursor *cursor, struct dma_buf *dmabuf)
{
	struct dma_buf_shard *shard = per_cpu_ptr(&dma_buf_shards, cursor->cpu);

	spin_lock(&shard->lock);
	list_move(&cursor->link.node, &dmabuf->link.node);
	spin_unlock(&shard->lock);
}

#ifdef CONFIG_DEBUG_FS
/* One open of bufinfo. Protected by &seq_file.lock. */
struct dma_buf_bufinfo {
	struct dma_buf_cursor cursor;
	/* of the buffers that have been passed */
	int count;
	size_t size;
	/* the total has been printed */
	bool ended;
};

/* Stands for the line with the total. */
#define DMA_BUF_TOTAL	((void *)2)

/* The buffer that is due, or the total behind the last one, or NULL. */
static void *dma_buf_bufinfo_get(struct dma_buf_bufinfo *info)
{
	if (info->ended)
		return NULL;
	return dma_buf_cursor_get(&info->cursor) ?: DMA_BUF_TOTAL;
}

static void *dma_buf_bufinfo_start(struct seq_file *m, loff_t *pos)
{
	struct dma_buf_bufinfo *info = m->private;

	if (*pos)
		return dma_buf_bufinfo_get(info);

	dma_buf_cursor_rewind(&info->cursor);
	info->count = 0;
	info->size = 0;
	info->ended = false;
	return SEQ_START_TOKEN;
}

static void dma_buf_bufinfo_stop(struct seq_file *m, void *v)
{
	if (v && v != SEQ_START_TOKEN && v != DMA_BUF_TOTAL)
		dma_buf_put(v);
}

static void *dma_buf_bufinfo_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct dma_buf_bufinfo *info = m->private;
	struct dma_buf *dmabuf = v;

	++*pos;
	if (v == DMA_BUF_TOTAL) {
		info->ended = true;
	} else if (v != SEQ_START_TOKEN) {
		info->count++;
		info->size += dmabuf->size;
		dma_buf_cursor_pass(&info->cursor, dmabuf);
		dma_buf_put(dmabuf);
	}
	return dma_buf_bufinfo_get(info);
}

static void dma_buf_bufinfo_head(struct seq_file *m)
{
	seq_puts(m, "\nDma-buf Objects:\n");
	seq_printf(m, "%-8s\t%-8s\t%-8s\t%-8s\texp_name\t%-8s\tname\n",
		   "size", "flags", "mode", "count", "ino");
}

/* The devices that use @dmabuf, and its fences. */
static int dma_buf_bufinfo_users(struct seq_file *m, struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attach;
	int ret, count = 0;

	ret = dma_resv_lock_interruptible(dmabuf->resv, NULL);
	if (ret)
		return ret;

	if (dma_buf_is_revoked(dmabuf))
		seq_puts(m, "\tRevoked\n");
	dma_resv_describe(dmabuf->resv, m);
	seq_puts(m, "\tAttached Devices:\n");
	list_for_each_entry(attach, &dmabuf->attachments, node) {
		seq_printf(m, "\t%s\n", dev_name(attach->dev));
		count++;
	}
	dma_resv_unlock(dmabuf->resv);

	seq_printf(m, "Total %d devices attached\n\n", count);
	return 0;
}

/*
 * The reader's own reference is left out of the count. A signal while somebody
 * else holds the reservation ends the read; the next one starts with the same
 * buffer.
 */
static int dma_buf_bufinfo_show(struct seq_file *m, void *v)
{
	struct dma_buf_bufinfo *info = m->private;
	char name[DMA_BUF_NAME_ESCAPED_LEN];
	struct dma_buf *dmabuf = v;
	struct file *file;

	if (v == SEQ_START_TOKEN) {
		dma_buf_bufinfo_head(m);
		return 0;
	}
	if (v == DMA_BUF_TOTAL) {
		seq_printf(m, "\nTotal %d objects, %zu bytes\n", info->count, info->size);
		return 0;
	}

	file = dmabuf->file;
	seq_printf(m, "%08zu\t%08x\t%08x\t%08ld\t%s\t%08lu\t%s\n",
		   dmabuf->size, file->f_flags, (__force unsigned int)file->f_mode,
		   file_count(file) - 1, dmabuf->exp_name, file_inode(file)->i_ino,
		   dma_buf_name_escaped(dmabuf, name) ? name : "<none>");
	return dma_buf_bufinfo_users(m, dmabuf);
}

static const struct seq_operations dma_buf_bufinfo_ops = {
	.start = dma_buf_bufinfo_start,
	.next = dma_buf_bufinfo_next,
	.stop = dma_buf_bufinfo_stop,
	.show = dma_buf_bufinfo_show,
};

static int dma_buf_bufinfo_open(struct inode *inode, struct file *file)
{
	struct dma_buf_bufinfo *info;

	info = __seq_open_private(file, &dma_buf_bufinfo_ops, sizeof(*info));
	if (!info)
		return -ENOMEM;
	dma_buf_cursor_init(&info->cursor);
	return 0;
}

static int dma_buf_bufinfo_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct dma_buf_bufinfo *info = m->private;

	dma_buf_cursor_unlink(&info->cursor);
	return seq_release_private(inode, file);
}

static const struct file_operations dma_buf_bufinfo_fops = {
	.owner = THIS_MODULE,
	.open = dma_buf_bufinfo_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = dma_buf_bufinfo_release,
};

static void dma_buf_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("dma_buf", NULL);

	debugfs_create_file("bufinfo", 0444, dir, NULL, &dma_buf_bufinfo_fops);
}
#else
static void dma_buf_debugfs_init(void)
{
}
#endif

#ifdef CONFIG_DMABUF_SYSFS_STATS
/**
 * DOC: overview
 *
 * With CONFIG_DMABUF_SYSFS_STATS every buffer has a directory in sysfs,
 * ``/sys/kernel/dmabuf/buffers/<inode number>``, which anybody may read, unlike
 * debugfs, and which is there on production systems. In it are
 *
 * ``exporter_name``
 *	who made the buffer;
 *
 * ``size``
 *	its size in bytes.
 *
 * The inode number is the one that fstat() reports for a file descriptor of the
 * buffer. No two buffers ever have the same, so that a program can match both.
 *
 * Making a directory costs several times what the rest of an export does, and
 * takes locks that all of sysfs shares. Hence this is off unless somebody needs
 * it.
 */

/**
 * struct dma_buf_sysfs_entry - a buffer's directory in sysfs
 * @kobj: the directory
 * @dmabuf: the buffer. Valid in the attributes, for dma_buf_sysfs_del() waits
 *	for them
 */
struct dma_buf_sysfs_entry {
	struct kobject kobj;
	struct dma_buf *dmabuf;
};

/* /sys/kernel/dmabuf/buffers */
static struct kobject *dma_buf_sysfs_dir;

static struct dma_buf *dma_buf_of_kobj(struct kobject *kobj)
{
	return container_of(kobj, struct dma_buf_sysfs_entry, kobj)->dmabuf;
}

static ssize_t exporter_name_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", dma_buf_of_kobj(kobj)->exp_name);
}

static ssize_t size_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%zu\n", dma_buf_of_kobj(kobj)->size);
}

static struct kobj_attribute exporter_name_attr = __ATTR_RO(exporter_name);
static struct kobj_attribute size_attr = __ATTR_RO(size);

static struct attribute *dma_buf_sysfs_attrs[] = {
	&exporter_name_attr.attr,
	&size_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(dma_buf_sysfs);

static void dma_buf_sysfs_free(struct kobject *kobj)
{
	kfree(container_of(kobj, struct dma_buf_sysfs_entry, kobj));
}

static const struct kobj_type dma_buf_sysfs_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = dma_buf_sysfs_free,
	.default_groups = dma_buf_sysfs_groups,
};

int dma_buf_sysfs_add(struct dma_buf *dmabuf, u64 id)
{
	struct dma_buf_sysfs_entry *entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	int ret;

	if (!entry)
		return -ENOMEM;

	entry->dmabuf = dmabuf;
	ret = kobject_init_and_add(&entry->kobj, &dma_buf_sysfs_type, dma_buf_sysfs_dir,
				   "%lu", (unsigned long)id);
	if (ret) {
		kobject_put(&entry->kobj);
		return ret;
	}
	dmabuf->sysfs_entry = entry;
	return 0;
}

void dma_buf_sysfs_del(struct dma_buf *dmabuf)
{
	struct kobject *kobj = &dmabuf->sysfs_entry->kobj;

	kobject_del(kobj);
	kobject_put(kobj);
}

static int dma_buf_sysfs_init(void)
{
	struct kobject *top = kobject_create_and_add("dmabuf", kernel_kobj);

	if (!top)
		return -ENOMEM;
	dma_buf_sysfs_dir = kobject_create_and_add("buffers", top);
	if (!dma_buf_sysfs_dir) {
		kobject_put(top);
		return -ENOMEM;
	}
	return 0;
}
#else
static int dma_buf_sysfs_init(void)
{
	return 0;
}
#endif

int __init dma_buf_stats_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct dma_buf_shard *shard = per_cpu_ptr(&dma_buf_shards, cpu);

		spin_lock_init(&shard->lock);
		INIT_LIST_HEAD(&shard->links);
	}
	dma_buf_debugfs_init();
	return dma_buf_sysfs_init();
}
