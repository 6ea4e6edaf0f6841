"""What is worth another way on a GPU."""

import torch

from rugged.corruptions.host import in_main_memory, too_few_for_a_gpu


def test_few_is_a_matter_of_devices_alone():
    """The device ``meta`` stands for one that is not the CPU."""
    for count, few in ((1, True), (42, True), (43, False), (4096, False)):
        elsewhere = torch.empty(count, 3, 64, 64, dtype=torch.uint8, device="meta")
        assert not in_main_memory(elsewhere)
        assert too_few_for_a_gpu(elsewhere) == few
    assert not too_few_for_a_gpu(torch.empty(1, 3, 64, 64))
