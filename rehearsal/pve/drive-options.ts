import {
  anything,
  decimal,
  type Format,
  flag,
  matching,
  oneWordOf,
  type PropertyFormat,
  whole,
} from "./formats.ts";

const directions = ["", "_rd", "_wr"];
const limits: Record<string, Format> = Object.fromEntries(
  directions.flatMap((direction) => [
    [`bps${direction}`, whole()],
    [`bps${direction}_max_length`, whole(1)],
    [`iops${direction}`, whole()],
    [`iops${direction}_max`, whole()],
    [`iops${direction}_max_length`, whole(1)],
    [`mbps${direction}`, decimal()],
    [`mbps${direction}_max`, decimal()],
  ]),
);

const encoded = (maxLength: number) => matching(/^(?:[^%]|%[0-9a-f]{2})*$/i, maxLength);

const common: Record<string, Format> = {
  ...limits,
  aio: oneWordOf("native", "threads", "io_uring"),
  backup: flag,
  cache: oneWordOf("none", "writethrough", "writeback", "unsafe", "directsync"),
  detect_zeroes: flag,
  discard: oneWordOf("ignore", "on"),
  file: anything,
  format: oneWordOf("raw", "qcow", "qed", "qcow2", "vmdk", "cloop"),
  "import-from": anything,
  media: oneWordOf("cdrom", "disk"),
  replicate: flag,
  rerror: oneWordOf("ignore", "report", "stop"),
  serial: encoded(60),
  shared: flag,
  size: matching(/^\d+(?:\.\d+)?[KMGT]?$/),
  snapshot: flag,
  werror: oneWordOf("enospc", "ignore", "report", "stop"),
};

const ssd: Record<string, Format> = { ssd: flag, wwn: matching(/^0x[0-9a-fA-F]{16}$/) };

const drive = (own: Record<string, Format>): PropertyFormat => ({
  properties: { ...common, ...own },
  required: ["file"],
  defaultKey: "file",
});

/** What a drive of each bus may be told. */
export const driveFormats = {
  scsi: drive({
    ...ssd,
    iothread: flag,
    product: matching(/^[A-Za-z0-9\-_\s]{0,16}$/),
    queues: whole(2),
    ro: flag,
    scsiblock: flag,
    vendor: matching(/^[A-Za-z0-9\-_\s]{0,8}$/),
  }),
  virtio: drive({ iothread: flag, ro: flag }),
  sata: drive(ssd),
  ide: drive({ ...ssd, model: encoded(120) }),
};
