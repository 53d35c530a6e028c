/** A web server on this machine that the lab's dom0s reach: files by name, and what can be wrong with them. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface WebFile {
  readonly bytes: Uint8Array;
  /** 200 unless said. */
  readonly status?: number;
  /** The connection breaks after so many bytes of each answer. */
  readonly cutAfter?: number;
  /** ms between the first half of an answer and the rest. */
  readonly pauseMs?: number;
}

export interface Web {
  readonly files: Map<string, WebFile>;
  /** Every answer's status and the byte that it began with. */
  readonly answers: { readonly name: string; readonly status: number; readonly from: number }[];
  /** As a dom0 names it. */
  url(name: string): string;
  close(): Promise<void>;
}

/** Every dom0 reaches this machine there. */
const address = '10.0.2.2';

export const openWeb = async (): Promise<Web> => {
  const files = new Map<string, WebFile>();
  const answers: Web['answers'] = [];
  const http: Server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    const file = files.get(name);
    const status = file ? (file.status ?? 200) : 404;
    if (!file || status !== 200) {
      if (request.method !== 'HEAD') answers.push({ name, status, from: 0 });
      response.writeHead(status).end();
      return;
    }
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'content-length': file.bytes.length }).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const { length } = file.bytes;
    answers.push({ name, status: from > 0 ? 206 : 200, from });
    if (from >= length && from > 0) {
      response.writeHead(416, { 'content-range': `bytes */${length}` }).end();
      return;
    }
    response.writeHead(from > 0 ? 206 : 200, {
      'accept-ranges': 'bytes',
      'content-length': length - from,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${length - 1}/${length}` } : {}),
    });
    const rest = file.bytes.subarray(from);
    const half = rest.length >> 1;
    if (file.pauseMs !== undefined) {
      response.write(rest.subarray(0, half));
      setTimeout(() => response.end(rest.subarray(half)), file.pauseMs);
    } else if (file.cutAfter === undefined) response.end(rest);
    else response.write(file.bytes.subarray(from, from + file.cutAfter), () => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    files,
    answers,
    url: (name) => `http://${address}:${port}/${name}`,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
};
