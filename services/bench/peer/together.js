// What arrives together is done together: the services' `kit.together`, in JavaScript.
export class Together {
  constructor(lanes, most, told, run) {
    this.most = most;
    this.told = told;
    this.run = run;
    this.lanes = Array.from({ length: lanes }, () => ({ waiting: [], running: false }));
  }

  do(item, key) {
    const lane = key === undefined ? this.#shortest() : this.lanes[hash(key) % this.lanes.length];
    return new Promise((resolve, reject) => {
      lane.waiting.push({ item, resolve, reject });
      if (!lane.running) {
        lane.running = true;
        setImmediate(() => this.#drain(lane));
      }
    });
  }

  #shortest() {
    return this.lanes.reduce((best, lane) => (size(lane) < size(best) ? lane : best));
  }

  async #drain(lane) {
    while (lane.waiting.length > 0) {
      const group = lane.waiting.splice(0, this.most);
      try {
        const results = await this.run(group.map(({ item }) => item));
        this.#tell(group, results, 0);
      } catch (error) {
        group.forEach(({ reject }) => reject(error));
      }
    }
    lane.running = false;
  }

  #tell(group, results, from) {
    const beyond = Math.min(group.length, from + this.told);
    for (let index = from; index < beyond; index++) group[index].resolve(results[index]);
    if (beyond < group.length) setImmediate(() => this.#tell(group, results, beyond));
  }
}

const size = (lane) => lane.waiting.length + (lane.running ? 1 : 0);

function hash(text) {
  let value = 0;
  for (let index = 0; index < text.length; index++) value = (value * 31 + text.charCodeAt(index)) | 0;
  return value >>> 0;
}
