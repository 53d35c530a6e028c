import { describe, expect, test } from 'vitest';
import { type Unknown, readProgram } from '../../../src/core/port.ts';
import { openReplay, parseSnapshot, snapshotJson, type Snapshot } from '../../../src/transport/index.ts';
import { program } from './sshd.ts';

const bytes = new Uint8Array(256).map((_, i) => i);
const down: Unknown = { is: 'unknown', reason: 'timeout', why: 'dom02: no answer', help: 'ssh dom02' };
const snapshot: Snapshot = {
  format: 'reeve-snapshot/1',
  tool: '0.1.0',
  at: '2026-11-24T08:00:00.000Z',
  farm: 'acme',
  servers: {
    dom01: { nonce: 'a1b2', paths: ['/srv/vmlinuz'], answer: Buffer.from(bytes).toString('base64') },
    dom02: { unread: down },
  },
};

/** Gives the bytes as they came. */
const asTheyCame = readProgram({
  text: '',
  args: [],
  deadlineMs: 1,
  decode: (answer, nonce) => ({ bytes: [...answer], nonce }),
});

describe('a snapshot', () => {
  test('is read back as it was written', () => {
    expect(parseSnapshot(snapshotJson(snapshot))).toEqual(snapshot);
  });

  test('answers with the same bytes and the same word', async () => {
    const reader = openReplay(snapshot);
    expect(await reader.read('dom01', asTheyCame)).toEqual({ bytes: [...bytes], nonce: 'a1b2' });
    await reader.close();
  });

  test('a server that was not read is unread, and so is one that it lacks', async () => {
    const reader = openReplay(snapshot);
    expect(await reader.read('dom02', program(''))).toEqual(down);
    expect(await reader.read('dom03', program(''))).toMatchObject({
      is: 'unknown',
      why: 'dom03 is not in the snapshot',
    });
    expect(await reader.read('toString', program(''))).toMatchObject({ is: 'unknown' });
  });

  test('an answer that cannot be understood says whose it is', async () => {
    const broken = readProgram<never>({
      text: '',
      args: [],
      deadlineMs: 1,
      decode: () => ({ is: 'unknown', reason: 'cut-short', why: 'the answer has no end' }),
    });
    expect(await openReplay(snapshot).read('dom01', broken)).toMatchObject({
      reason: 'cut-short',
      why: 'dom01, in the snapshot: the answer has no end',
    });
  });

  const server = (s: unknown): string => JSON.stringify({ ...snapshot, servers: { dom01: s } });
  test.each([
    ['half a file', snapshotJson(snapshot).slice(0, 100), /^it is not JSON: /],
    ['no object', '[]', /^it is no snapshot of Reeve: it has no format$/],
    ['a plan', '{"format":"reeve-plan/1"}', /^it has the format "reeve-plan\/1"; .* reads reeve-snapshot\/1$/],
    ['no farm', JSON.stringify({ ...snapshot, farm: 1 }), /^`farm` is no text$/],
    ['no servers', JSON.stringify({ ...snapshot, servers: [] }), /^`servers` is no map$/],
    ['a text for a server', server('x'), /^server dom01: it is no map$/],
    ['a cut answer', server({ nonce: 'a', paths: [], answer: 'YWJ' }), /^server dom01: `answer` is not whole Base64$/],
    ['a bad answer', server({ nonce: 'a', paths: [], answer: 'Y WJ' }), /^server dom01: `answer` is not whole/],
    ['no nonce', server({ paths: [], answer: '' }), /^server dom01: `nonce` is no word$/],
    ['bad paths', server({ nonce: 'a', paths: [1], answer: '' }), /^server dom01: `paths` is no list of texts$/],
    ['unread without a reason', server({ unread: { is: 'unknown' } }), /^server dom01: `unread` does not say why$/],
  ])('that is none is refused: %s', (_name, text, why) => {
    expect(parseSnapshot(text)).toMatch(why);
  });
});
