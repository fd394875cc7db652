module atendeai/bench/load

go 1.25
