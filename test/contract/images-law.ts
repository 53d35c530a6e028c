/** The contract of images and of disks that are made from them, in a folder and in a volume group: one suite for the simulator and for real dom0s. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shareReadings, type Readings } from '../../src/apply/readings.ts';
import { isUnknown } from '../../src/core/port.ts';
import { ref } from '../../src/core/ref.ts';
import type { ImageOp } from '../../src/kinds/image/ops.ts';
import { effectsOf } from '../../src/kinds/operations.ts';
import type { Op } from '../../src/kinds/plan.ts';
import { diskName, type StoreSeen } from '../../src/kinds/repository/live.ts';
import type { RepositoryOp } from '../../src/kinds/repository/ops.ts';
import type { VmOp } from '../../src/kinds/vm/ops.ts';
import { xl } from '../../src/toolstacks/xl/index.ts';
import { carry, type HeldServer } from './carry.ts';

export interface ImagesFarm extends HeldServer {
  /** A volume group with nothing in it and no tag, in /dev. */
  readonly group: string;
  /** Puts bytes on the web; the URL under which the server finds them. */
  serve(name: string, bytes: Uint8Array): string;
  hand(argv: readonly string[]): Promise<{ readonly rc: number; readonly out: string; readonly err: string }>;
  close(): Promise<void>;
}

const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
const patience = 1_200_000;
const MiB = 1024;
/** What a template holds: five MiB that are not blank. */
const bytes = new Uint8Array(5 * MiB * 1024).fill(0x5a);
type Of<Verb extends Op['verb']> = Extract<Op, { readonly verb: Verb }>;
type There = Extract<StoreSeen, { is: 'there' }>;

export const imagesContract = (title: string, open: () => Promise<ImagesFarm>): void => {
  describe(`${title} keeps the law of images and disks`, () => {
    let farm: ImagesFarm;
    let readings: Readings;
    beforeAll(async () => {
      farm = await open();
      readings = shareReadings(farm.control, xl, farm.clock);
      for (const path of ['/srv/own', group()]) {
        const op: RepositoryOp = { ...store(path), verb: 'mark-repository', uuid: null, fresh: uuid };
        if (path === '/srv/own') await farm.hand(['mkdir', '-p', path]);
        expect(await carry(farm, readings, op)).toBeNull();
      }
    }, patience);
    afterAll(async () => farm?.close());

    const group = (): string => `/dev/${farm.group}`;
    const nameOf = (path: string): string => (path === '/srv/own' ? 'own' : 'vg');
    const store = (path: string) => ({
      repository: ref('repository', `p/${nameOf(path)}`),
      server: farm.server,
      farm: 'contract',
      name: nameOf(path),
      type: path === '/srv/own' ? ('dir' as const) : ('lvm' as const),
      path,
      source: '',
    });
    const look = async (path: string): Promise<There> => {
      const seen = await farm.control.read(farm.server, xl.reading('domains', [`${path}/`]));
      if (isUnknown(seen)) throw new Error(seen.why);
      const found = seen.storage.stores[path];
      if (found?.is !== 'there') throw new Error(`${path} is ${found?.is}`);
      return found;
    };
    const files = async (path: string): Promise<readonly string[]> => {
      const { disks, images } = await look(path);
      const there = (all: Readonly<Record<string, { readonly there: boolean }>>): readonly string[] =>
        Object.keys(all).filter((name) => all[name]?.there);
      return [...there(disks), ...there(images)].sort();
    };
    /** Does it, and holds what is there after it against what its effects make and take away. */
    const lawful = async (op: Op, path: string): Promise<void> => {
      const promised = new Set(await files(path));
      expect(await carry(farm, readings, op)).toBeNull();
      for (const e of effectsOf(op, () => 0)) {
        if (e.fx !== 'makes' && e.fx !== 'unmakes') continue;
        const name = e.ref.kind === 'disk' ? diskName(path, e.ref.name) : e.ref.name.slice(`${path}/images/`.length);
        if (e.fx === 'makes') promised.add(name);
        else promised.delete(name);
      }
      expect(await files(path)).toEqual([...promised].sort());
    };

    const image = (name: string, more: Partial<Of<'fetch-image'>> = {}): Of<'fetch-image'> => ({
      verb: 'fetch-image',
      image: ref('image', `p/template/${name}`),
      server: farm.server,
      farm: 'contract',
      name,
      what: 'template',
      repository: 'own',
      folder: '/srv/own',
      path: `/srv/own/images/${name}-1.raw`,
      source: farm.serve(name, bytes),
      sha256: bytesToHex(sha256(bytes)),
      size: null,
      ...more,
    });
    const disk = (path: string, vdev: string, from: Of<'make-disk'>['from'], more: Partial<Of<'make-disk'>> = {}) => ({
      verb: 'make-disk' as const,
      vm: ref('vm', 'web'),
      server: farm.server,
      uuid,
      name: 'web',
      vdev,
      path: path === '/srv/own' ? `${path}/disks/web-${vdev}.raw` : `${path}/web-${vdev}`,
      farm: 'contract',
      repository: nameOf(path),
      folder: path,
      size: 8 * MiB,
      format: 'raw',
      from,
      ...more,
    });
    const template = { template: 'base', path: '/srv/own/images/base-1.raw', format: 'raw' } as const;
    const sums = async (path: string): Promise<string> => (await farm.hand(['sha256sum', path])).out.slice(0, 64);

    it(
      'fetch: whole and right, or not at all',
      async () => {
        await lawful(image('base'), '/srv/own');
        expect((await look('/srv/own')).images['base-1.raw']?.marker).toMatchObject({
          image: 'base',
          what: 'template',
        });
        expect(await sums(template.path)).toBe(bytesToHex(sha256(bytes)));
        expect(await carry(farm, readings, image('base'))).toMatch(/base-1\.raw is there already/);
        expect(await carry(farm, readings, image('odd', { sha256: '00'.repeat(32) }))).toMatch(/did NOT match/);
        const lost = image('lost', { source: `${farm.serve('lost', bytes)}-not` });
        expect(await carry(farm, readings, lost)).toMatch(/404|unable to resolve/);
        expect(await files('/srv/own')).not.toContain('odd-1.raw');
        expect(await files('/srv/own')).not.toContain('odd-1.raw.part');
      },
      patience,
    );

    it.each(['a folder', 'a volume group'])(
      'disks in %s: blank, from a template, adopted, grown, deleted',
      async (where) => {
        const path = where === 'a folder' ? '/srv/own' : group();
        const blank = disk(path, 'xvda', null);
        await lawful(blank, path);
        await lawful(disk(path, 'xvdb', template), path);
        expect(await carry(farm, readings, blank)).toMatch(/is there already/);
        const lost = { ...template, path: '/srv/own/images/no.raw' };
        expect(await carry(farm, readings, disk(path, 'xvdc', lost))).toMatch(/no\.raw/);
        expect(await carry(farm, readings, disk(path, 'xvdc', template, { size: 4 * MiB }))).toMatch(/exit code/);
        expect(Object.keys((await look(path)).disks).filter((n) => n.includes('xvdc'))).toEqual([]);
        const { format: _f, from: _, ...of } = blank;
        const grow: VmOp = { ...of, format: 'raw', verb: 'grow-disk', from: 8 * MiB, size: 16 * MiB };
        await lawful(grow, path);
        const name = diskName(path, blank.path);
        const owner = (await look(path)).disks[name]?.marker;
        expect(owner).toMatchObject({ vm: 'web', size: 16 * MiB });
        const was = owner === 'odd' || !owner ? null : owner;
        const adopt: VmOp = {
          ...of,
          format: 'raw',
          size: 16 * MiB,
          verb: 'adopt-disk',
          vm: ref('vm', 'db'),
          vdev: 'xvdz',
          was,
        };
        await lawful(adopt, path);
        expect((await look(path)).disks[name]?.marker).toMatchObject({ vm: 'db', vdev: 'xvdz', size: 16 * MiB });
        const gone = (at: string): RepositoryOp => ({
          ...store(path),
          verb: 'delete-disk',
          disk: at,
          size: null,
          of: 'web',
          owner: { uuid: null, vdev: null },
          goes: false,
          copied: null,
          peers: [],
        });
        await lawful(gone(blank.path), path);
        await lawful(gone(disk(path, 'xvdb', null).path), path);
        expect((await look(path)).disks).toEqual({});
      },
      patience,
    );

    it(
      'remove: the image and its marker',
      async () => {
        const { source: _, sha256: __, size: ___, ...of } = image('base');
        const remove: ImageOp = { ...of, verb: 'remove-image' };
        await lawful(remove, '/srv/own');
        // What was not there left its beginning, for the next try to go on from.
        expect(Object.keys((await look('/srv/own')).images)).toEqual(['lost-1.raw.part']);
      },
      patience,
    );

    it.each(['a folder', 'a volume group'])(
      'unmark %s: only its marker goes, and only where nothing of ours is left',
      async (where) => {
        const path = where === 'a folder' ? '/srv/own' : group();
        const last = disk(path, 'xvdq', null);
        const unmark: RepositoryOp = { ...store(path), verb: 'unmark-repository', uuid, suspended: 0 };
        await lawful(last, path);
        expect(await carry(farm, readings, unmark)).toMatch(/holds web-xvdq\S*, which the plan did not see/);
        const gone = { size: null, of: null, copied: null, owner: null, goes: false, peers: [] };
        await lawful({ ...store(path), verb: 'delete-disk', disk: last.path, ...gone }, path);
        const before = await files(path);
        expect(await carry(farm, readings, unmark)).toBeNull();
        const { marker } = await look(path);
        expect([marker, await files(path)]).toEqual([null, before]);
      },
      patience,
    );
  });
};
