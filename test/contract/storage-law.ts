/**
 * The contract of a dom0's storage, one suite for the simulator and for real dom0s: each operation on a repository does what its
 * effects promise, and mount and umount fail as they do.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shareReadings, type Readings } from '../../src/apply/readings.ts';
import { isUnknown } from '../../src/core/port.ts';
import { ref } from '../../src/core/ref.ts';
import { effects, viewOf } from '../../src/kinds/repository/describe.ts';
import type { RepositoryOp } from '../../src/kinds/repository/ops.ts';
import type { VmOp } from '../../src/kinds/vm/ops.ts';
import type { ServerSeen } from '../../src/kinds/server/live.ts';
import { xl } from '../../src/toolstacks/xl/index.ts';
import { carry, type HeldServer } from './carry.ts';

export interface StorageFarm extends HeldServer {
  /** An NFS export with nothing in it that the server can mount. */
  readonly source: string;
  /** As a person at the dom0 would run it. */
  hand(argv: readonly string[]): Promise<{ readonly rc: number; readonly out: string; readonly err: string }>;
  close(): Promise<void>;
}

const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
type MakeDisk = Extract<VmOp, { readonly verb: 'make-disk' }>;

const patience = 1_200_000;

export const storageContract = (title: string, open: () => Promise<StorageFarm>): void => {
  describe(`${title} keeps the law of storage`, () => {
    let farm: StorageFarm;
    let readings: Readings;

    beforeAll(async () => {
      farm = await open();
      readings = shareReadings(farm.control, xl, farm.clock);
    }, patience);
    afterAll(async () => farm?.close());

    const doOne = (op: RepositoryOp): Promise<string | null> => carry(farm, readings, op);
    const look = async (path: string): Promise<ServerSeen> => {
      const seen = await farm.control.read(farm.server, xl.reading('all', [`${path}/`]));
      if (isUnknown(seen)) throw new Error(seen.why);
      return seen;
    };
    /** Does it, and holds what came of it against what its effects promise. */
    const lawful = async (op: RepositoryOp): Promise<ServerSeen> => {
      const promised = { ...viewOf((await look(op.path)).storage, op) };
      for (const e of effects(op)) if (e.fx === 'set') Object.assign(promised, { [e.field]: e.value });
      expect(await doOne(op)).toBeNull();
      const seen = await look(op.path);
      expect(viewOf(seen.storage, op)).toEqual(promised);
      return seen;
    };
    const said = async (argv: readonly string[]): Promise<{ rc: number; text: string }> => {
      const { rc, out, err } = await farm.hand(argv);
      return { rc, text: `${out}${err}` };
    };

    const nfs = () => ({
      repository: ref('repository', 'p/law'),
      server: farm.server,
      farm: 'contract',
      name: 'law',
      type: 'nfs' as const,
      path: '/srv/law',
      source: farm.source,
    });
    const dir = () => ({
      ...nfs(),
      repository: ref('repository', 'p/own'),
      name: 'own',
      type: 'dir' as const,
      path: '/srv/own',
      source: '',
    });
    const attach = (more: Partial<RepositoryOp> = {}): RepositoryOp =>
      ({
        ...nfs(),
        verb: 'attach-repository',
        options: 'vers=4.2,actimeo=1',
        mount: true,
        persist: true,
        ...more,
      }) as RepositoryOp;
    const mark = (fresh: string | null, more: Partial<RepositoryOp> = {}): RepositoryOp =>
      ({ ...nfs(), verb: 'mark-repository', uuid: null, fresh, ...more }) as RepositoryOp;
    const marker = { format: 1, farm: 'contract', repository: 'law', uuid };

    it(
      'attach, of a new store',
      async () => {
        const seen = await lawful(attach());
        expect(seen.storage.stores['/srv/law']).toMatchObject({ is: 'there', marker: null, empty: true });
        expect(seen.storage.stores['/srv/law']).toMatchObject({ space: { free: expect.any(Number) } });
      },
      patience,
    );

    it(
      'no marker is made up where another server should have made it',
      async () => {
        expect(await doOne(mark(null))).toMatch(/no marker of repository law/);
      },
      patience,
    );

    it(
      'mark',
      async () => {
        const seen = await lawful(mark(uuid));
        expect(seen.storage.stores['/srv/law']).toMatchObject({ is: 'there', marker, empty: false });
      },
      patience,
    );

    it(
      'mark again changes nothing, and another UUID is refused',
      async () => {
        const before = (await look('/srv/law')).storage.book?.digest;
        const seen = await lawful(mark(null));
        expect(seen.storage.book?.digest).toBe(before);
        expect(await doOne(mark(null, { uuid: '11111111-5a5e-5b7e-9c41-2f8d5a7b1c02' }))).toMatch(/another store/);
      },
      patience,
    );

    it(
      'attach where it is mounted already is refused: mount itself would put one above the other',
      async () => {
        expect(await doOne(attach())).toMatch(/is mounted at \/srv\/law/);
      },
      patience,
    );

    it(
      'detach, and attach of the same store',
      async () => {
        await lawful({ ...nfs(), verb: 'detach-repository', mounted: true, persisted: true, booked: true });
        expect((await look('/srv/law')).storage.stores['/srv/law']).toMatchObject({ is: 'there', marker: null });
        const seen = await lawful(attach());
        expect(seen.storage.stores['/srv/law']).toMatchObject({ is: 'there', marker, empty: false });
        await lawful(mark(null, { uuid }));
        await lawful({ ...nfs(), verb: 'detach-repository', mounted: true, persisted: true, booked: true });
      },
      patience,
    );

    it(
      'a lease of no use is given back where it is the one that was seen, and only there',
      async () => {
        await lawful(attach());
        await lawful(mark(null, { uuid }));
        const path = `/srv/law/leases/${uuid}.json`;
        const lease = `{"format":1,"farm":"contract","vm":"web","uuid":"${uuid}","server":"dom09","boot":"b","generation":3,"disks":{}}`;
        await farm.hand(['mkdir', '-p', '/srv/law/leases']);
        const bytes = new TextEncoder().encode(`${lease}\n`);
        await farm.control.file(farm.server, { do: 'write', path, bytes, mode: 0o644, onlyIf: 'absent' });
        const held = async () => {
          const store = (await look('/srv/law')).storage.stores['/srv/law'];
          return store?.is === 'there' ? store.leases[uuid] : undefined;
        };
        const digest = (await held())?.digest ?? '';
        expect(await held()).toMatchObject({ lease: { vm: 'web', server: 'dom09', generation: 3 } });
        const unlease = (of: string): VmOp => ({
          vm: ref('vm', 'web'),
          server: farm.server,
          uuid,
          name: 'web',
          verb: 'unlease',
          folder: '/srv/law',
          lease: { path, digest: of },
        });
        await carry(farm, readings, unlease(digest.replace(/^./, (c) => (c === '0' ? '1' : '0'))));
        expect((await held())?.digest).toBe(digest);
        expect(await carry(farm, readings, unlease(digest))).toBeNull();
        expect(await held()).toBeUndefined();
        expect(await carry(farm, readings, unlease(digest))).toBeNull();
        await farm.hand(['rmdir', '/srv/law/leases']);
        await lawful({ ...nfs(), verb: 'detach-repository', mounted: true, persisted: true, booked: true });
      },
      patience,
    );

    it(
      'a blank disk is made once, with its marker, and grown; nothing half made stays of one that fails',
      async () => {
        await lawful(attach());
        await lawful(mark(null, { uuid }));
        const made = (vdev: string, format: string, more: Partial<MakeDisk> = {}): MakeDisk => ({
          vm: ref('vm', 'web'),
          server: farm.server,
          uuid,
          name: 'web',
          verb: 'make-disk',
          vdev,
          path: `/srv/law/disks/web-${vdev}.${format}`,
          farm: 'contract',
          repository: 'law',
          folder: '/srv/law',
          size: 64 * 1024,
          format,
          from: null,
          ...more,
        });
        const marked = (vdev: string, format: string, mib: number) => ({
          there: true,
          marker: { format: 1, farm: 'contract', vm: 'web', uuid, vdev, size: mib * 1024, as: format },
          // Sparse: on some file systems some of it is written.
          allocated: expect.any(Number),
        });
        expect(await carry(farm, readings, made('xvda', 'raw'))).toBeNull();
        expect(await carry(farm, readings, made('xvdb', 'qcow2'))).toBeNull();
        expect(await carry(farm, readings, made('xvda', 'raw'))).toMatch(/web-xvda\.raw is there already/);
        expect(await carry(farm, readings, made('xvdc', 'raw', { repository: 'other' }))).toMatch(/is repository law/);
        const grown = (vdev: string, format: string, from: number): VmOp => ({
          ...made(vdev, format),
          verb: 'grow-disk',
          from,
          size: 96 * 1024,
        });
        expect(await carry(farm, readings, grown('xvda', 'raw', 1024))).toMatch(/has 64MiB, not 1MiB/);
        expect(await carry(farm, readings, grown('xvda', 'raw', 64 * 1024))).toBeNull();
        expect(await carry(farm, readings, grown('xvdb', 'qcow2', 64 * 1024))).toBeNull();
        // What others put where the half-made disk comes to be is taken away, and not written through.
        await farm.hand(['ln', '-s', '/srv/law/disks/web-xvda.raw', '/srv/law/disks/web-xvdd.raw.part']);
        expect(await carry(farm, readings, made('xvdd', 'raw'))).toBeNull();
        const { stores } = (await look('/srv/law')).storage;
        const store = stores['/srv/law'];
        expect(store?.is === 'there' && store.disks).toEqual({
          'web-xvda.raw': marked('xvda', 'raw', 96),
          'web-xvdb.qcow2': marked('xvdb', 'qcow2', 96),
          'web-xvdd.raw': marked('xvdd', 'raw', 64),
        });
        await lawful({ ...nfs(), verb: 'detach-repository', mounted: true, persisted: true, booked: true });
      },
      patience,
    );

    it(
      'a folder of its own',
      async () => {
        await lawful({ ...dir(), verb: 'attach-repository', options: '', mount: false, persist: false });
        const seen = await lawful({ ...dir(), verb: 'mark-repository', uuid: null, fresh: uuid });
        expect(seen.storage.stores['/srv/own']).toMatchObject({ marker: { ...marker, repository: 'own' } });
        await farm.hand(['mkdir', '-p', '/srv/own/disks', '/srv/own/suspended', '/srv/own/autostart/dom01']);
        const unmark: RepositoryOp = { ...dir(), verb: 'unmark-repository', uuid, suspended: 0 };
        const other = '11111111-5a5e-5b7e-9c41-2f8d5a7b1c02';
        expect(await doOne({ ...unmark, uuid: other })).toMatch(/another store/);
        const bare = await lawful(unmark);
        expect(bare.storage.stores['/srv/own']).toMatchObject({ is: 'there', marker: null, empty: true });
        await lawful({ ...dir(), verb: 'detach-repository', mounted: false, persisted: false, booked: true });
      },
      patience,
    );

    it(
      'an export that is not there is said, and nothing is remembered',
      async () => {
        const source = `${farm.source}/nosuch`;
        expect(await doOne(attach({ source }))).toMatch(/exit code 32.*No such file or directory/);
        const { storage } = await look('/srv/law');
        expect(viewOf(storage, nfs())).toEqual({ persisted: false, known: false, mounted: null });
        const by = await said(['umount', '/srv/law']);
        expect(by).toMatchObject({ rc: 32, text: expect.stringMatching(/not mounted/) });
      },
      patience,
    );
  });
};
