import { describe, expect, it } from 'vitest';
import { xl } from '../../../../src/toolstacks/xl/index.ts';
import { digestCfg, masked } from '../../../../src/toolstacks/xl/read/mask.ts';
import { readTar } from '../../../../src/toolstacks/xl/read/tar.ts';
import { answer, nonce, tar } from './answers.ts';

const mask = (text: string): string => Buffer.from(masked(Buffer.from(text, 'latin1'))).toString('latin1');

describe('passwords', () => {
  it.each([
    ['vncpasswd = "s3cret"\n', 'vncpasswd = "******"\n'],
    ["spicepasswd='s3\"cret' # x\n", "spicepasswd='*******' # x\n"],
    ['vncpasswd = "a\\"b"; vnc = 1\n', 'vncpasswd = "****"; vnc = 1\n'],
    ['vnc = 1; vncpasswd += "x"\n', 'vnc = 1; vncpasswd += "*"\n'],
    ['# vncpasswd = "old"\n', '# vncpasswd = "***"\n'],
    ['vncpasswd = 1234\n', 'vncpasswd = ****\n'],
    ['vncpasswd = "unclosed\nmemory = 1\n', 'vncpasswd = "********\nmemory = 1\n'],
    ["vfb = [ 'type=vnc,vncpasswd=s3cret,keymap=de' ]\n", "vfb = [ 'type=vnc,vncpasswd=******,keymap=de' ]\n"],
    ['"passwd": "s\\"x",\n', '"passwd": "****",\n'],
    ['/vm/1/vncpasswd = "a"b"\n', '/vm/1/vncpasswd = "***"\n'],
    ['  638 xl create /etc/xen/a.cfg vncpasswd="x" \n', '  638 xl create /etc/xen/a.cfg vncpasswd="*" \n'],
    ['-spice port=1,addr=::,password=s3cret -m 1\n', '-spice port=1,addr=::,password=****** -m 1\n'],
  ])('%j', (text, without) => {
    expect(mask(text)).toBe(without);
  });

  it.each([
    'vncpasswd = ""\n',
    'vncpasswd =\nvnc = 1\n',
    "vfb = [ 'vnc=1,vncpasswd=', 'sdl=1' ]\n",
    '"passwd": "",\n"name": "x"\n',
    'spicedisable_ticketing = 1\nvnclisten = "0.0.0.0"\n',
    'cmdline = "root=/dev/xvda password"\n',
  ])('there are none in %j', (text) => {
    expect(mask(text)).toBe(text);
  });
});

/** Each takes as many steps as it has bytes: an hour would not do for their square. */
describe('of millions of bytes', () => {
  const n = 3_000_000;
  it.each<[string, string]>([
    ['blanks', ' '.repeat(n)],
    ['blanks behind a key', `vncpasswd${' '.repeat(n)}=`],
    ['blanks before a word', `vncpasswd=${' '.repeat(n)}`],
    ['quotes', '"'.repeat(n)],
    ['keys that are never closed', 'vncpasswd="'.repeat(n / 11)],
    ['lines of comment', '\n #'.repeat(n / 3)],
    ['a path', `/${'passwd'.repeat(n / 6)}`],
  ])('are masked: %s', (_, text) => {
    expect(mask(`${text}\nvncpasswd = "secret"\n`).endsWith('\nvncpasswd = "******"\n')).toBe(true);
  });
});

describe('a raw answer', () => {
  const raw = answer({ files: [{ name: 'etc/xen/a.cfg', body: 'name = "\xf6"\nvncpasswd = "s3cret"\n' }] });
  const program = xl.rawReading('domains', ['/k']);

  it('is the same reading, not looked into', () => {
    const reading = xl.reading('domains', ['/k']);
    expect([program.text, program.args, program.deadlineMs]).toEqual([reading.text, reading.args, reading.deadlineMs]);
    expect(program.decode(Buffer.from('cut sh'), nonce)).toEqual({
      is: 'raw',
      bytes: Uint8Array.from(Buffer.from('cut sh')),
      nonce,
    });
  });

  it('is as long as it was, and its archive whole', () => {
    const decoded = program.decode(raw, nonce);
    const bytes = decoded.is === 'raw' ? decoded.bytes : new Uint8Array();
    expect(bytes).toHaveLength(raw.length);
    const at = Buffer.from(raw).indexOf('etc/xen/a.cfg');
    expect(readTar(bytes.subarray(at, at + tar([{ name: 'a', body: 'x' }]).length))).toEqual([
      {
        is: 'file',
        name: 'etc/xen/a.cfg',
        bytes: Uint8Array.from(Buffer.from('name = "\xf6"\nvncpasswd = "******"\n', 'latin1')),
      },
    ]);
  });
});

it('a digest tells cfgs apart, and not their passwords; that of a snapshot is another', () => {
  const cfg = (password: string, memory = 512): Uint8Array =>
    new TextEncoder().encode(`name = "a"\nmemory = ${memory}\nvncpasswd = "${password}"\n`);
  expect(digestCfg(cfg('482913'))).toBe(digestCfg(cfg('a longer one')));
  expect(digestCfg(cfg('482913', 513))).not.toBe(digestCfg(cfg('482913')));
  expect(digestCfg(masked(cfg('482913')))).not.toBe(digestCfg(cfg('482913')));
});
