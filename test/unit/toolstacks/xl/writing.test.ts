/** The cfg that an operation writes and the one that it takes the place of, as people compare them. */
import { describe, expect, it } from 'vitest';
import type { VmOp } from '../../../../src/kinds/vm/ops.ts';
import { writing } from '../../../../src/toolstacks/xl/lower/writing.ts';
import {
  base,
  config,
  domain,
  hvmConfig,
  lowered,
  moved,
  newPath,
  path,
  record,
  recordOf,
  restart,
  server,
  start,
  textOf,
} from './ops.ts';

const short = '# reeve: {…}\n# Kept by Reeve; edits made here are found and shown as drift.\n\n';
const define: VmOp = { ...base, verb: 'define', record, update: false };
const standing = 'name = "web"\nvncpasswd = "Vn48 29"\n# vncpasswd=old\n';
const seeing = (text: string) => server([domain], [recordOf(text)]);

describe('what is written', () => {
  it('is what is then written, but for the JSON of its heading', () => {
    const text = textOf(lowered(define, seeing('')).steps, path);
    expect(writing(define, seeing(''))).toEqual({
      from: { server: 'dom1', path, text: '' },
      to: { server: 'dom1', path, text: text.replace(/\{.*\}/, '{…}') },
    });
    expect(writing(define, seeing(text))).toMatchObject({ from: { text: text.replace(/\{.*\}/, '{…}') } });
  });

  it('of a restart is the same; one that only restarts writes nothing, and so do others', () => {
    expect(writing(restart(), seeing('x'))).toEqual(writing(define, seeing('x')));
    expect(writing(restart({ write: false }), seeing('x'))).toBeNull();
    expect(writing(start(), seeing('x'))).toBeNull();
  });

  it('has no password, be it kept, given by the file, or in a comment', () => {
    const display = (secret: string) => ({ ...hvmConfig, settings: { 'display.vnc.password': { secret } as never } });
    for (const secret of ['kept', '${env:VNC}']) {
      const w = writing({ ...define, record: { ...record, config: display(secret) } }, seeing(standing));
      expect(w).toMatchObject({
        from: { text: 'name = "web"\nvncpasswd = "***"\n# vncpasswd=***\n' },
        to: { text: expect.stringContaining('\nvncpasswd = "***"\n') as string },
      });
    }
    const extra = [{ key: 'device_model_args', value: ['-spice', 'password=${env:SPICE}'] }];
    expect(writing({ ...define, record: { ...record, config: { ...config, extra } } }, seeing(''))).toMatchObject({
      to: { text: expect.stringContaining('device_model_args = [ "-spice", "password=***" ]') as string },
    });
  });

  it('says where the old one stands: nowhere, under another name, or on another server', () => {
    expect(writing(define, server([domain]))).toMatchObject({ from: null });
    expect(writing({ ...define, record: moved }, seeing('old'))).toMatchObject({
      from: { server: 'dom1', path, text: 'old' },
      to: { server: 'dom1', path: newPath },
    });
    const there = { ...recordOf('there', '/root/web.cfg'), config: config };
    const peers = new Map([['dom2', server([], [there])]]);
    const marked = { ...define, record: { ...record, keptOn: 'dom2' } };
    expect(writing(marked, server([]), peers)).toMatchObject({
      from: { server: 'dom2', path: '/root/web.cfg', text: 'there' },
      to: { server: 'dom1', path },
    });
  });

  it('of a VM that is given back is all but the heading, comments too', () => {
    const text = textOf(lowered(define, seeing('')).steps, path);
    const rest = `${text.slice(text.indexOf('name ='))}# by hand\n`;
    expect(writing({ ...base, verb: 'release', path, digest: 'd' }, seeing(`${text}# by hand\n`))).toEqual({
      from: { server: 'dom1', path, text: short + rest },
      to: { server: 'dom1', path, text: rest },
    });
  });

  it('and cannot be says why', () => {
    expect(writing({ ...define, record: { ...record, config: { ...config, name: 'a\0' } } }, seeing(''))).toEqual({
      unsupported: '/etc/xen/web.cfg cannot be written: name: a NUL byte cannot stand in an xl.cfg',
    });
  });
});
