//! The bus at the model's addresses. Nothing is there on this board, so whoever reads or writes there causes a bus
//! fault; its handler has the model answer, and the program goes on behind the instruction. So the driver is that
//! of a real unit, down to its loads and stores.
//!
//! On a processor that is no model of QEMU, stores would have to be made precise first (`DISDEFWBUF`).

use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::ptr;

use cortex_m_rt::exception;
use nextapi_firmware::stop;

use crate::model::{Model, Then, own};
use crate::receiving::on_interrupt;
use crate::unit::BASE;

/// Registers of the processor, Armv7-M ARM, sections B3.2.2, B3.3.2 and B3.4.3.
const SYST_CSR: usize = 0xe000_e010;
const SYST_RVR: usize = 0xe000_e014;
const SYST_CVR: usize = 0xe000_e018;
const NVIC_ISER0: usize = 0xe000_e100;
const NVIC_ISPR0: usize = 0xe000_e200;
const NVIC_IPR7: usize = 0xe000_e41c;
const SHCSR: usize = 0xe000_ed24;
const CFSR: usize = 0xe000_ed28;
const BFAR: usize = 0xe000_ed38;

/// The model's interrupt: the last of the board's 32, which no device there has.
const INTERRUPT: u32 = 31;
/// How long a phase takes the model, in ticks of the system timer, which are 40 ns.
const LATENCY: u32 = 2_500;

/// The model, where handlers find it.
struct Shared(UnsafeCell<Model>);

// SAFETY: only the handlers below touch it, of bus faults and of the system timer. Both have the priority of reset, so
// that neither interrupts the other.
unsafe impl Sync for Shared {}

static MODEL: Shared = Shared(UnsafeCell::new(Model::NEW));

/// Has bus faults handled, and the unit's interrupt, which may be interrupted by them.
pub(crate) fn start() {
    write(NVIC_IPR7, 0x80 << 24);
    write(NVIC_ISER0, 1 << INTERRUPT);
    write(SHCSR, 1 << 17);
}

// Keeps the registers that the hardware has not stacked beneath those that it has, and gives both.
global_asm!(
    r#"
    .section .text.BusFault, "ax", %progbits
    .global BusFault
    .type BusFault, %function
    .thumb_func
BusFault:
    push {{r3-r11, lr}}
    mov r0, sp
    bl {answer}
    pop {{r3-r11, pc}}
    "#,
    answer = sym answer,
);

/// The registers of what was interrupted (Armv7-M ARM, section B1.5.6).
#[repr(C)]
struct Registers {
    /// Only there so that the stack stays aligned to 8 bytes.
    _r3: u32,
    r4_to_r11: [u32; 8],
    _exception_return: u32,
    r0_to_r3: [u32; 4],
    r12: u32,
    lr: u32,
    pc: u32,
    xpsr: u32,
}

impl Registers {
    fn get(&mut self, number: u16) -> Option<&mut u32> {
        let number = usize::from(number);
        match number {
            0..=3 => self.r0_to_r3.get_mut(number),
            4..=11 => self.r4_to_r11.get_mut(number.wrapping_sub(4)),
            12 => Some(&mut self.r12),
            14 => Some(&mut self.lr),
            _ => None,
        }
    }

    /// Goes on behind an instruction of so many bytes, also where it is one of an IT block (`ITAdvance`, section
    /// A7.3; the state of the block is in two places of the register, section B1.4.2).
    fn advance(&mut self, bytes: u32) {
        const STATE: u32 = 0b11 << 25 | 0b11_1111 << 10;
        self.pc = self.pc.wrapping_add(bytes);
        let state = (self.xpsr >> 25 & 0b11) | (self.xpsr >> 8 & 0b1111_1100);
        let next = if state.is_multiple_of(8) { 0 } else { (state & 0xe0) | (state << 1 & 0x1f) };
        self.xpsr = (self.xpsr & !STATE) | (next & 0b11) << 25 | (next & 0b1111_1100) << 8;
    }
}

/// Answers a bus fault.
extern "C" fn answer(registers: &mut Registers) {
    let status = read(CFSR);
    let address = read(BFAR);
    // Written ones clear what was read.
    write(CFSR, status);
    let offset = address.wrapping_sub(BASE);
    // Precise, and the address valid.
    if status != 0x8200 || offset >= own::END || !offset.is_multiple_of(4) {
        stop("bus fault\n");
    }
    let Some(Access { stores, register, bytes }) = Access::at(registers.pc) else {
        stop("bus instruction fault\n");
    };
    let Some(value) = registers.get(register) else { stop("bus register fault\n") };
    // SAFETY: see `Shared`.
    let model = unsafe { &mut *MODEL.0.get() };
    if stores {
        then(model.write(offset, *value));
    } else {
        *value = model.read(offset);
    }
    registers.advance(bytes);
}

/// What an instruction does to the bus.
struct Access {
    stores: bool,
    register: u16,
    bytes: u32,
}

impl Access {
    /// Reads the instruction at an address: a load or a store of one word that leaves the address's register as it
    /// is. (Armv7-M ARM, section A7.7: LDR and STR with an immediate or a register.)
    fn at(pc: u32) -> Option<Self> {
        let first = read_half(pc);
        match first {
            // Encoding T1: an offset in 5 bits, or in a register.
            0x6000..=0x6fff | 0x5000..=0x51ff | 0x5800..=0x59ff => {
                Some(Self { stores: first & 0x0800 == 0, register: first & 0b111, bytes: 2 })
            }
            // T3: an offset in 12 bits; T4 or T2: in 8 bits, without write-back, or in a register.
            0xf8c0..=0xf8df | 0xf840..=0xf85f => {
                let second = read_half(pc.wrapping_add(2));
                if first < 0xf8c0 && second & 0x0900 == 0x0900 {
                    return None;
                }
                Some(Self { stores: first & 0x0010 == 0, register: second >> 12, bytes: 4 })
            }
            _ => None,
        }
    }
}

/// Does what the model asks for.
fn then(then: Then) {
    match then {
        Then::Nothing => {}
        Then::Complete => {
            write(SYST_RVR, LATENCY);
            write(SYST_CVR, 0);
            // From the processor's clock, with the exception.
            write(SYST_CSR, 0b111);
        }
        Then::Interrupt => write(NVIC_ISPR0, 1 << INTERRUPT),
    }
}

/// The time that a phase takes is over.
#[exception]
fn SysTick() {
    write(SYST_CSR, 0);
    // SAFETY: see `Shared`.
    let model = unsafe { &mut *MODEL.0.get() };
    then(model.complete());
}

#[exception]
unsafe fn DefaultHandler(number: i16) {
    if u32::try_from(number) == Ok(INTERRUPT) {
        on_interrupt();
    } else {
        stop("exception fault\n");
    }
}

fn read(address: usize) -> u32 {
    let register = ptr::with_exposed_provenance::<u32>(address);
    // SAFETY: registers that every Armv7-M processor has, aligned to 4 bytes; reading them changes nothing.
    unsafe { register.read_volatile() }
}

fn write(address: usize, value: u32) {
    let register = ptr::with_exposed_provenance_mut::<u32>(address);
    // SAFETY: as for reading. What is enabled has a handler above; what they share is argued for there.
    unsafe { register.write_volatile(value) }
}

fn read_half(pc: u32) -> u16 {
    let instruction = ptr::with_exposed_provenance::<u16>(pc as usize);
    // SAFETY: the processor has just executed it, so it is there, and aligned to 2 bytes. What follows a half of an
    // instruction of four bytes is its other half.
    unsafe { instruction.read_volatile() }
}
