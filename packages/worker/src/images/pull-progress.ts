/** What a daemon says while it pulls; one JSON object on each line. */
export interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

interface Layer {
  readonly current: number;
  readonly total: number;
  readonly isThere: boolean;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

// Podman tells no more of a layer, nor of the description of the image, than that its download is complete.
const endings = ['Pull complete', 'Already exists', 'Download complete'];

/** The progress of a pull over all layers, in one line. */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();

  add({ id, status = '', progressDetail = {} }: PullEvent): void {
    // The first event names the tag where the others name a layer.
    if (id === undefined || status.startsWith('Pulling from')) return;
    const { current = 0, total = 0, isThere = false } = this.#layers.get(id) ?? {};
    if (endings.includes(status)) {
      this.#layers.set(id, { current: total, total, isThere: true });
    } else if (status === 'Downloading') {
      this.#layers.set(id, {
        current: progressDetail.current ?? current,
        total: progressDetail.total ?? total,
        isThere,
      });
    } else {
      this.#layers.set(id, { current, total, isThere });
    }
  }

  line(): string {
    const layers = [...this.#layers.values()];
    const there = layers.filter(({ isThere }) => isThere).length;
    const sum = (of: (layer: Layer) => number): number => layers.reduce((total, one) => total + of(one), 0);
    const transferred = `${megabytes(sum(({ current }) => current))} of ${megabytes(sum(({ total }) => total))}`;
    return `${there} of ${layers.length} layers, ${transferred}`;
  }
}
