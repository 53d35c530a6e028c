/** The simulator's own reader of xl.cfg: values, errors, and the real parser's verdict on real files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCfg, type Value } from '../../../src/sim/cfg.ts';
import { domainConfig, type Host } from '../../../src/sim/config.ts';
import { devidOf, parseDisk } from '../../../src/sim/disk-spec.ts';
import { libxlJson } from '../../../src/sim/print-json.ts';
import { makeRandom } from '../../../src/sim/random.ts';

const host = (seed: string): Host => {
  const random = makeRandom(seed);
  return { cpus: 64, minor: 17, hex: (digits) => random.hex(digits), uuid: () => random.uuid() };
};

const settings = (text: string): Readonly<Record<string, Value>> => {
  const read = readCfg(text, 'x.cfg');
  if ('error' in read) throw new Error(read.error);
  return Object.fromEntries(read.settings);
};
const error = (text: string): string => {
  const read = readCfg(text, 'x.cfg');
  return 'error' in read ? read.error : '';
};

describe('readCfg', () => {
  it('reads strings, numbers, lists, comments and semicolons', () => {
    expect(settings('# c\nname = "a b" ; memory=128\ndisk = [ \'x\', # y\n "z", ]\n')).toEqual({
      name: 'a b',
      memory: '128',
      disk: ['x', 'z'],
    });
  });
  it('appends with += and lets the last of duplicates win', () => {
    expect(settings('a = "1"\na += "2"\nb = ["x"]\nb += ["y"]\nc = 1\nc = 2\n')).toEqual({
      a: '12',
      b: ['x', 'y'],
      c: '2',
    });
  });
  it('says where it stopped, as xl does', () => {
    expect(error('name = "b"\nmemory = = 3\n')).toBe(
      "x.cfg:2: config parsing error near `=': syntax error, unexpected '=', expecting STRING or NUMBER or '['\n" +
        'Failed to parse config: Invalid argument\n',
    );
  });
  it('refuses what Python would take', () => {
    expect(error('a = True\n')).toContain('x.cfg:1:');
    expect(error('a = 1 + 1\n')).toContain('x.cfg:1:');
    expect(error('a = 1\r\n')).toContain('x.cfg:1:');
  });
});

const corpus = new URL('../../../../shared/corpus/xlcfg/', import.meta.url);

describe.skipIf(!existsSync(corpus))('readCfg on real files (../shared/corpus; skipped where it is missing)', () => {
  it('accepts and rejects what the real parser does', () => {
    const rows = readFileSync(new URL('libxlutil.jsonl', corpus), 'utf8').trim().split('\n');
    const wrong = rows.flatMap((row) => {
      const { file, rc } = JSON.parse(row) as { file: string; rc: number };
      const text = readFileSync(new URL(`files/${file}`, corpus), 'latin1');
      return 'error' in readCfg(text, file) === (rc !== 0) ? [] : [file];
    });
    expect(rows.length).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });
  it('makes the JSON of them that xl -N create makes', () => {
    // Made up where the file gives none, and of hardware that the simulator does not have.
    const vague = /^ *"(?:iomem|irqs|dtdevs|cpuid|ioports|usbdevs|backend_domname)":/m;
    const skipped: string[] = [];
    const wrong = readdirSync(new URL('xl-json/', corpus)).flatMap((name) => {
      const theirs = readFileSync(new URL(`xl-json/${name}`, corpus), 'utf8');
      const text = readFileSync(new URL(`files/${name.replace(/\.json$/, '')}`, corpus), 'latin1');
      const read = readCfg(text, name);
      const made = 'error' in read ? read : domainConfig(read.settings, host('s'));
      if ('error' in made) return [`${name}: ${made.error}`];
      const ours = libxlJson(made.config, 'dry');
      if (ours === theirs) return [];
      const strip = (json: string): string => json.replace(/^ *"uuid":.*\n/m, '');
      if (strip(ours) === strip(theirs)) return [];
      if (vague.test(strip(theirs))) {
        skipped.push(name);
        return [];
      }
      return [name];
    });
    expect(wrong).toEqual([]);
    expect(skipped.length).toBeLessThan(45);
  });
});

describe('disks and devices', () => {
  it('numbers devices as Linux does', () => {
    expect(['xvda', 'xvdb', 'xvdb1', 'xvdq', 'hda', 'hdb', 'hdc', 'sda', 'sdb', 'foo'].map(devidOf)).toEqual([
      51712,
      51728,
      51729,
      (1 << 28) | (16 << 8),
      768,
      832,
      5632,
      2048,
      2064,
      undefined,
    ]);
  });
  it.each([
    ['format=raw,vdev=xvda,access=rw,target=/srv/a,b.img', '/srv/a,b.img', 'xvda', 'raw', true],
    ['/dev/vg0/x,raw,xvdb,r', '/dev/vg0/x', 'xvdb', 'raw', false],
    ['/dev/vg0/x,,xvdb', '/dev/vg0/x', 'xvdb', 'raw', true],
    ['phy:/dev/vg0/x,xvda,w', '/dev/vg0/x', 'xvda', 'raw', true],
    ['/srv/c.qcow2,qcow2,hda,rw', '/srv/c.qcow2', 'hda', 'qcow2', true],
  ])('reads %s', (spec, path, vdev, format, readwrite) => {
    expect(parseDisk(spec)).toMatchObject({ path, vdev, format, readwrite, cdrom: false });
  });
  it('refuses w!, which is not xl', () => {
    expect(parseDisk('phy:/dev/x,xvda,w!')).toEqual({
      error:
        "config parsing error in disk specification: unknown value for access: near `w!' in `phy:/dev/x,xvda,w!'\n",
    });
  });
});

describe('domainConfig', () => {
  const make = (text: string): string => {
    const read = readCfg(text, 'x');
    if ('error' in read) return read.error;
    const made = domainConfig(read.settings, host('s'));
    return 'error' in made ? made.error : made.config.uuid;
  };
  it('complains as xl does', () => {
    expect(make('memory = 1\n')).toBe('Domain name must be specified.\n');
    expect(make('name = "a"\nkernel="/k"\nvcpus = 3\nmaxvcpus = 1\n')).toBe('xl: maxvcpus < vcpus\n');
    expect(make('name = "a"\ntype = "pvh"\n')).toBe('Neither kernel nor bootloader specified\n');
  });
  it('makes a UUID up where there is none, the same for the same seed', () => {
    expect(make('name = "a"\nkernel="/k"\n')).toMatch(/^[0-9a-f-]{36}$/);
    expect(make('name = "a"\nkernel="/k"\n')).toBe(make('name = "b"\nkernel="/k"\n'));
  });
});
